import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const cookie = 0x2112a442
const bindingRequest = 0x0001
const bindingSuccess = 0x0101
const xorMappedAddress = 0x0020

/**
 * The answer to a STUN binding request over IPv4: where it came from (RFC 8489, sections 5 and 14.2).
 * Undefined for anything else.
 */
export function answerBinding(
  request: Buffer,
  from: { address: string; port: number },
): Buffer | undefined {
  if (request.length < 20 || request.readUInt16BE(0) !== bindingRequest) return undefined
  if (request.readUInt32BE(4) !== cookie) return undefined
  const bytes = from.address.split('.').map(Number)
  if (bytes.length !== 4) return undefined
  const answer = Buffer.alloc(32)
  answer.writeUInt16BE(bindingSuccess, 0)
  answer.writeUInt16BE(12, 2)
  request.copy(answer, 4, 4, 20)
  answer.writeUInt16BE(xorMappedAddress, 20)
  answer.writeUInt16BE(8, 22)
  answer.writeUInt16BE(1, 24)
  answer.writeUInt16BE(from.port ^ (cookie >>> 16), 26)
  answer.writeUInt32BE((Buffer.from(bytes).readUInt32BE(0) ^ cookie) >>> 0, 28)
  return answer
}

/** A STUN server on a free port of the address, for machines that have no coturn. */
export async function startStun(address: string): Promise<{ url: string; close(): void }> {
  const socket = createSocket('udp4', (message, from) => {
    const answer = answerBinding(message, from)
    if (answer) socket.send(answer, from.port, from.address)
  })
  socket.bind(0, address)
  await once(socket, 'listening')
  return { url: `stun:${address}:${socket.address().port}`, close: () => socket.close() }
}
