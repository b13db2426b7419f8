import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Server } from 'socket.io'
import { RawClient } from './raw-client.ts'
import { openTextLine } from './text-line.ts'

let http: HttpServer
const url = () => `http://127.0.0.1:${(http.address() as AddressInfo).port}`

beforeEach(async () => {
  http = createServer((_request, response) => response.writeHead(404).end())
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
})
afterEach(() => {
  http.closeAllConnections()
  http.close()
})

describe('the clients of benches of messages', () => {
  it('REQ-G1: speak to a Socket.IO server, whatever the length of what they say', async () => {
    const io = new Server(http)
    io.on('connection', (socket) => {
      socket.on('echo', (message: unknown, ack: (answer: unknown) => void) => ack(message))
    })
    const client = await RawClient.connect(url(), {})
    // The longest of the shortest header, the first of the next, and texts whose characters are many bytes.
    for (const length of [0, 1, 90, 110, 111, 112, 113, 114, 115, 125, 126, 127, 1000, 65_000])
      expect(await client.ask('echo', 'x'.repeat(length))).toBe('x'.repeat(length))
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (text) => {
        expect(await client.ask('echo', { text })).toEqual({ text })
      }),
    )
    // All at once, so that many frames come in one piece.
    const texts = Array.from({ length: 500 }, (_, index) => `${index}`.repeat(index % 60))
    expect(await Promise.all(texts.map((text) => client.ask('echo', text)))).toEqual(texts)
    expect(() => client.ask('echo', 'x'.repeat(70_000))).toThrow('no message of a bench')
    client.close()
    await io.close()
  })

  it('REQ-G1: say it when a server refuses them, or goes', async () => {
    await expect(RawClient.connect(url(), {})).rejects.toThrow(/answered HTTP\/1.1 404/)
    const io = new Server(http)
    io.use((_socket, next) => next(new Error('nobody comes in')))
    await expect(RawClient.connect(url(), {})).rejects.toThrow(/refused: .*nobody comes in/)
    const left = url()
    await io.close()
    await expect(RawClient.connect(left, {})).rejects.toThrow(/ECONNREFUSED/)
  })
})

describe('a line of texts', () => {
  const frame = (text: string) => {
    const bytes = Buffer.from(text)
    const head = Buffer.alloc(bytes.length < 126 ? 2 : bytes.length < 65_536 ? 4 : 10)
    head[0] = 0x81
    head[1] = bytes.length < 126 ? bytes.length : bytes.length < 65_536 ? 126 : 127
    if (head.length === 4) head.writeUInt16BE(bytes.length, 2)
    if (head.length === 10) head.writeBigUInt64BE(BigInt(bytes.length), 2)
    return Buffer.concat([head, bytes])
  }
  const ping = Buffer.from([0x89, 0])
  const end = Buffer.from([0x88, 0])

  /** What is heard of bytes that come in pieces of so many. */
  async function heard(bytes: Buffer, piece: number): Promise<string[]> {
    http.removeAllListeners('upgrade')
    http.once('upgrade', async (_request, socket: Socket) => {
      socket.setNoDelay(true)
      const all = Buffer.concat([
        Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'),
        bytes,
      ])
      for (let at = 0; at < all.length; at += piece) {
        socket.write(all.subarray(at, at + piece))
        await new Promise(setImmediate)
      }
    })
    const texts: string[] = []
    await new Promise<void>((resolve) =>
      openTextLine(`${url()}/`, { text: (text) => texts.push(text), end: () => resolve() }),
    )
    return texts
  }

  it('REQ-G1: reads the same texts, however what comes is cut up', async () => {
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 400 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 600 }), async (said, piece) => {
        const frames = said.flatMap((text) => [frame(text), ping])
        expect(await heard(Buffer.concat([...frames, end]), piece)).toEqual(
          // What is no text in UTF-8, half a surrogate pair, goes over no wire.
          said.map((text) => Buffer.from(text).toString()),
        )
      }),
      { numRuns: 50 },
    )
    const long = 'x'.repeat(70_000)
    expect(await heard(Buffer.concat([frame(long), end]), 9999)).toEqual([long])
  }, 30_000)
})
