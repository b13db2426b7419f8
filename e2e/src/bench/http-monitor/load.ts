import { connect, type Socket } from 'node:net'

/** What is asked, again and again. */
export type Ask = { method: 'GET' | 'POST'; path: string; body?: string }

export type Line = { ask(): Promise<void>; close(): void }

/** Milliseconds of each of so many requests, one after the other. */
export async function latencies(line: Line, count: number): Promise<number[]> {
  const ms: number[] = []
  for (let each = 0; each < count; each++) {
    const startedAt = performance.now()
    await line.ask()
    ms.push(performance.now() - startedAt)
  }
  return ms
}

/** How many are answered in the time, by connections that each ask again as soon as they have an answer. */
export async function closedLoop(
  url: string,
  ask: Ask,
  connections: number,
  ms: number,
): Promise<number> {
  const until = performance.now() + ms
  const counts = await Promise.all(
    Array.from({ length: connections }, async () => {
      const line = await lineTo(url, ask)
      let count = 0
      for (; performance.now() < until; count++) await line.ask()
      line.close()
      return count
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** So many a second, spread evenly over 20 connections; the answer is how many were answered. */
export async function paced(
  url: string,
  ask: Ask,
  ratePerSecond: number,
  seconds: number,
): Promise<number> {
  const connections = 20
  const startedAt = performance.now()
  const each = (1000 * connections) / ratePerSecond
  const counts = await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const line = await lineTo(url, ask)
      let count = 0
      for (;;) {
        const due = startedAt + (index * each) / connections + count * each
        if (due > startedAt + seconds * 1000) break
        const wait = due - performance.now()
        if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
        await line.ask()
        count += 1
      }
      line.close()
      return count
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * A connection that asks the same again and again, with as little of its own as can be: it looks at no more of an answer
 * than its status and where it ends.
 */
export async function lineTo(url: string, { method, path, body = '' }: Ask): Promise<Line> {
  const { hostname, port } = new URL(url)
  const socket: Socket = connect(Number(port), hostname)
  socket.setNoDelay(true)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const text = Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: ${hostname}\r\n${
      body ? `content-type: application/json\r\ncontent-length: ${body.length}\r\n` : ''
    }\r\n${body}`,
  )
  let waiting: { resolve: () => void; reject: (error: Error) => void } | undefined
  let got = ''
  socket.on('data', (data) => {
    got += data.toString('latin1')
    const head = got.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: (\d+)/i.exec(got)?.[1] ?? 0)
    if (got.length < head + 4 + length) return
    const status = got.slice(9, 12)
    got = ''
    if (status === '200') waiting?.resolve()
    else waiting?.reject(new Error(`${method} ${path} was answered with ${status}`))
  })
  socket.on('error', (error) => waiting?.reject(error))
  return {
    ask: () =>
      new Promise<void>((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(text)
      }),
    close: () => socket.destroy(),
  }
}
