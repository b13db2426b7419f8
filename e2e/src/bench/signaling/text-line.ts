import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'

/** A WebSocket that carries texts (RFC 6455). */
export interface TextLine {
  send(text: string): void
  close(): void
}

/**
 * Opens one with as little of its own as can be: Node's WebSocket needs more of a core for a message than the servers
 * that are measured, and would keep them waiting.
 *
 * @param address `http://host:port/path?query`
 * @param on.text told of each text that comes
 * @param on.end told once that no more will come
 */
export function openTextLine(
  address: string,
  on: { text(text: string): void; end(error: Error): void },
): TextLine {
  const { hostname, port, host, pathname, search } = new URL(address)
  const socket = connect({ port: Number(port), host: hostname, noDelay: true })
  socket.write(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  )
  let isOpen = false
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (data) => {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data])
    if (!isOpen) {
      const end = rest.indexOf('\r\n\r\n')
      if (end < 0) return
      const [status = ''] = rest.toString('latin1', 0, end).split('\r\n', 1)
      if (!status.includes(' 101 ')) return void socket.destroy(new Error(`answered ${status}`))
      isOpen = true
      rest = rest.subarray(end + 4)
    }
    for (let frame = frameIn(rest); frame; frame = frameIn(rest)) {
      if (frame.opcode === text) on.text(rest.toString('utf8', frame.start, frame.end))
      else if (frame.opcode === close) socket.destroy()
      rest = rest.subarray(frame.end)
    }
  })
  let failure = new Error('the server closed the connection')
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => on.end(failure))
  return {
    send: (message) => void socket.write(frameOf(message)),
    close: () => void socket.destroy(),
  }
}

/** Opcodes; servers of ours send no others but pings, which need no answer within a bench. */
const text = 1
const close = 8

/** The frame that the bytes begin with, where all of it is there. Servers do not mask. */
function frameIn(bytes: Buffer): { opcode: number; start: number; end: number } | undefined {
  const [first, length] = bytes
  if (first === undefined || length === undefined) return undefined
  const start = length < 126 ? 2 : length === 126 ? 4 : 10
  if (bytes.length < start) return undefined
  const size =
    length < 126
      ? length
      : length === 126
        ? bytes.readUInt16BE(2)
        : Number(bytes.readBigUInt64BE(2))
  const end = start + size
  return bytes.length < end ? undefined : { opcode: first & 0x0f, start, end }
}

/** A client has to mask; a mask of zeros leaves the text as it is. */
function frameOf(message: string): Buffer {
  const size = Buffer.byteLength(message)
  if (size > 0xffff) throw new Error('no message of a bench is that long')
  const start = size < 126 ? 6 : 8
  const frame = Buffer.alloc(start + size)
  frame[0] = 0x80 | text
  frame[1] = 0x80 | Math.min(size, 126)
  if (size >= 126) frame.writeUInt16BE(size, 2)
  frame.write(message, start)
  return frame
}
