import { openTextLine, type TextLine } from './text-line.ts'

/**
 * A Socket.IO client of little more than a WebSocket, so that the load takes less of the machine than what is measured.
 * Packets are those of Engine.IO 4 and Socket.IO 5: one digit for each, the number of an acknowledgement, JSON.
 */
export class RawClient {
  #line!: TextLine
  readonly #waiting = new Map<number, (answer: unknown) => void>()
  #next = 0
  readonly #connected = new Map<string, () => void>()
  /** Events that came without being an answer. */
  heard = 0
  /** Told of each of them, where it is set: `["name",message]`, as it came. */
  onEvent: ((json: string) => void) | undefined

  private constructor() {}

  /** @param url origin of the server. @param auth what the server's middleware reads. @throws where it lets nobody in */
  static connect(url: string, auth: object): Promise<RawClient> {
    const client = new RawClient()
    return new Promise((resolve, reject) => {
      client.#connected.set('', () => resolve(client))
      client.#line = openTextLine(`${url}/socket.io/?EIO=4&transport=websocket`, {
        text: (packet) => client.#read(packet, auth, reject),
        end: ({ message }) => reject(new Error(`no connection to ${url}: ${message}`)),
      })
    })
  }

  /** Enters another namespace over the same connection. @param namespace `/name` */
  enter(namespace: string, auth: object): Promise<void> {
    this.#line.send(`40${namespace},${JSON.stringify(auth)}`)
    return new Promise((resolve) => this.#connected.set(namespace, resolve))
  }

  /** Resolves with what the server acknowledges it with. */
  ask(event: string, message: unknown, namespace = ''): Promise<unknown> {
    const id = this.#next++
    const answer = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve))
    const to = namespace && `${namespace},`
    this.#line.send(`42${to}${id}${JSON.stringify([event, message])}`)
    return answer
  }

  /** Asks for no answer. */
  tell(event: string, message: unknown, namespace: string): void {
    this.#line.send(`42${namespace},${JSON.stringify([event, message])}`)
  }

  close(): void {
    this.#line.close()
  }

  #read(packet: string, auth: object, reject: (error: Error) => void): void {
    const [, kind = '', namespace = '', id = '', json = ''] =
      /^(4\d|\d)(?:(\/[^,]*),)?(\d*)(.*)$/s.exec(packet) ?? []
    if (kind === '43') {
      const resolve = this.#waiting.get(Number(id))
      this.#waiting.delete(Number(id))
      resolve?.((JSON.parse(json) as unknown[])[0])
    } else if (kind === '42') {
      this.heard += 1
      this.onEvent?.(json)
    } else if (kind === '40') this.#connected.get(namespace)?.()
    else if (kind === '44') reject(new Error(`refused: ${json}`))
    else if (kind === '0') this.#line.send(`40${JSON.stringify(auth)}`)
    else if (kind === '2') this.#line.send('3')
  }
}
