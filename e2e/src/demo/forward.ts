/**
 * A loopback port that leads to an address of the cluster: browsers let a page use the camera on
 * localhost, but not on a bare http address elsewhere.
 */
import { connect, createServer } from 'node:net'

export type Forward = { url: string; close(): Promise<void> }

export async function forward(target: { host: string; port: number }): Promise<Forward> {
  const server = createServer((client) => {
    const upstream = connect(target)
    client.pipe(upstream).pipe(client)
    // Either end going away ends the other; the browser reports what that means for its request.
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://localhost:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
      }),
  }
}
