import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** Just as much of TURN (RFC 8656 over UDP) as tests need to hold an allocation and look at the answers. */

const METHOD = { allocate: 0x003, refresh: 0x004, createPermission: 0x008 } as const
const ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedTransport: 0x0019,
} as const
const COOKIE = 0x2112a442
const UDP = 17
const ANSWER_WITHIN_MS = 2000

/** What the server said. `error`: the STUN error code, none if it agreed. */
export interface TurnAnswer {
  error?: number
  /** Of the allocation, in seconds. */
  lifetime?: number
  /** Address and port that peers see. */
  relayed?: { address: string; port: number }
}

/** The credentials that signaling makes of a shared secret (draft-uberti-behave-turn-rest). */
export function turnCredentials(secret: string, participant = 't.r.p', validForSeconds = 600) {
  const username = `${Math.floor(Date.now() / 1000) + validForSeconds}:${participant}`
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') }
}

export class TurnClient {
  readonly #socket: Socket
  readonly #user: { username: string; password: string }
  #realm: Buffer = Buffer.alloc(0)
  #nonce: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, user: { username: string; password: string }) {
    this.#socket = socket
    this.#user = user
  }

  static async connect(
    port: number,
    user: { username: string; password: string },
  ): Promise<TurnClient> {
    const socket = createSocket('udp4')
    // A server that is not there is no answer, as with every other loss.
    socket.on('error', () => undefined)
    socket.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new TurnClient(socket, user)
  }

  allocate(): Promise<TurnAnswer> {
    const transport = attribute(ATTRIBUTE.requestedTransport, Buffer.from([UDP, 0, 0, 0]))
    return this.#ask(METHOD.allocate, [transport])
  }

  /** Of 0 seconds: ends the allocation. */
  refresh(seconds = 600): Promise<TurnAnswer> {
    const lifetime = Buffer.alloc(4)
    lifetime.writeUInt32BE(seconds)
    return this.#ask(METHOD.refresh, [attribute(ATTRIBUTE.lifetime, lifetime)])
  }

  /** Asks to exchange packets with an IPv4 address. */
  permit(address: string): Promise<TurnAnswer> {
    const ip = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    const value = Buffer.alloc(8)
    value.writeUInt8(1, 1)
    value.writeUInt16BE(COOKIE >>> 16, 2)
    value.writeUInt32BE((ip ^ COOKIE) >>> 0, 4)
    return this.#ask(METHOD.createPermission, [attribute(ATTRIBUTE.xorPeerAddress, value)])
  }

  close(): void {
    this.#socket.close()
  }

  async #ask(method: number, attributes: Buffer[]): Promise<TurnAnswer> {
    const answer = await this.#exchange(method, attributes)
    const again = answer.error === 438 || (answer.error === 401 && this.#realm.length === 0)
    const realm = answer.attributes.get(ATTRIBUTE.realm)
    const nonce = answer.attributes.get(ATTRIBUTE.nonce)
    if (realm) this.#realm = realm
    if (nonce) this.#nonce = nonce
    return again && nonce ? this.#ask(method, attributes) : summary(answer)
  }

  async #exchange(method: number, attributes: Buffer[]) {
    const transaction = randomBytes(12)
    const body = [...attributes]
    if (this.#realm.length > 0) {
      body.push(attribute(ATTRIBUTE.username, Buffer.from(this.#user.username)))
      body.push(attribute(ATTRIBUTE.realm, this.#realm), attribute(ATTRIBUTE.nonce, this.#nonce))
    }
    const signed = this.#realm.length > 0 ? this.#sign(method, transaction, body) : body
    const answers = Promise.withResolvers<Buffer>()
    const listen = (message: Buffer) => {
      if (message.subarray(8, 20).equals(transaction)) answers.resolve(message)
    }
    const late = setTimeout(
      () => answers.reject(new Error('no answer of the TURN server')),
      ANSWER_WITHIN_MS,
    )
    this.#socket.on('message', listen)
    try {
      this.#socket.send(frame(method, transaction, signed))
      return parse(await answers.promise)
    } finally {
      clearTimeout(late)
      this.#socket.off('message', listen)
    }
  }

  #sign(method: number, transaction: Buffer, body: Buffer[]): Buffer[] {
    const { username, password } = this.#user
    const key = createHash('md5').update(`${username}:${this.#realm}:${password}`).digest()
    // The length in the header counts the signature, what is signed ends before it.
    const unsigned = frame(method, transaction, body)
    unsigned.writeUInt16BE(unsigned.length - 20 + 24, 2)
    const hmac = createHmac('sha1', key).update(unsigned).digest()
    return [...body, attribute(ATTRIBUTE.messageIntegrity, hmac)]
  }
}

function attribute(type: number, value: Buffer): Buffer {
  const padded = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4)
  padded.writeUInt16BE(type, 0)
  padded.writeUInt16BE(value.length, 2)
  value.copy(padded, 4)
  return padded
}

function frame(method: number, transaction: Buffer, attributes: Buffer[]): Buffer {
  const body = Buffer.concat(attributes)
  const header = Buffer.alloc(8)
  header.writeUInt16BE(method, 0)
  header.writeUInt16BE(body.length, 2)
  header.writeUInt32BE(COOKIE, 4)
  return Buffer.concat([header, transaction, body])
}

function parse(message: Buffer) {
  const attributes = new Map<number, Buffer>()
  for (let at = 20; at + 4 <= message.length; ) {
    const length = message.readUInt16BE(at + 2)
    attributes.set(message.readUInt16BE(at), message.subarray(at + 4, at + 4 + length))
    at += 4 + Math.ceil(length / 4) * 4
  }
  const code = attributes.get(ATTRIBUTE.errorCode)
  return {
    attributes,
    ...(code && { error: (code[2] ?? 0) * 100 + (code[3] ?? 0) }),
  }
}

function summary({ error, attributes }: ReturnType<typeof parse>): TurnAnswer {
  const lifetime = attributes.get(ATTRIBUTE.lifetime)?.readUInt32BE(0)
  const relayed = attributes.get(ATTRIBUTE.xorRelayedAddress)
  return {
    ...(error !== undefined && { error }),
    ...(lifetime !== undefined && { lifetime }),
    ...(relayed && {
      relayed: {
        address: [...relayed.subarray(4, 8)]
          .map((byte, i) => byte ^ ((COOKIE >>> (24 - 8 * i)) & 0xff))
          .join('.'),
        port: relayed.readUInt16BE(2) ^ (COOKIE >>> 16),
      },
    }),
  }
}
