import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a port of loopback that can be cut and mended, as a network does to one process and not to others. */
export async function cuttable(port: number) {
  const open = new Set<Socket>()
  let whole = true
  let last: string | undefined
  const server = createServer((near) => {
    if (!whole) return void near.destroy()
    const far = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket)
      socket.pipe(other)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
    }
    near.on('data', (asked) => {
      if (last === undefined || !asked.includes(last)) return
      far.unpipe(near)
      far.resume()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    whole = false
    for (const socket of open) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    mend() {
      whole = true
      last = undefined
    },
    /** Until it is mended: what has this text in it arrives, and of the connection that it came over there are no more answers. */
    loseAnswersTo(text: string) {
      last = text
    },
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
