import { setTimeout as sleep } from 'node:timers/promises'
import { trafficPageSchema } from '@parley/protocol'
import { meterToken } from './servers.ts'

const settleMs = 90_000

/** Waits until nothing is on its way to the store any more and it has so many at least; the answer is what it has. */
export async function countedByMeter(url: string, atLeast: number): Promise<number> {
  const deadline = Date.now() + settleMs
  for (;;) {
    const found = await look(url).catch((error: Error) => error.message)
    if (typeof found === 'object' && found.waiting === 0 && found.counted >= atLeast)
      return found.counted
    if (Date.now() > deadline)
      throw new Error(
        `of ${atLeast} answered requests not all come to the store: ${JSON.stringify(found)}`,
      )
    await sleep(200)
  }
}

/** Statements that wrote traffic to the store of this run of the meter. */
export async function writesOf(url: string): Promise<number> {
  const [, writes] = /^parley_traffic_writes_total\{.*\} (\d+)$/m.exec(await metrics(url)) ?? []
  return Number(writes)
}

/** Requests in a window of the history. */
export async function countedIn(url: string, window: string): Promise<number> {
  const headers = { 'x-parley-token': meterToken }
  const answer = await fetch(`${url}/api/v1/traffic?window=${window}`, { headers })
  const { rows } = trafficPageSchema.parse(await answer.json())
  return rows.reduce((sum, { count }) => sum + count, 0)
}

async function look(url: string): Promise<{ waiting: number; counted: number }> {
  const lengths = [
    ...(await metrics(url)).matchAll(/^parley_traffic_waiting_batches\{.*\} (\d+)$/gm),
  ]
  if (lengths.length < 2) throw new Error('Redis is not there')
  return {
    waiting: lengths.reduce((sum, [, length]) => sum + Number(length), 0),
    counted: await countedIn(url, '24h'),
  }
}

/** What a server or the meter says of one metric, over all its labels, or only those that have this text. */
export async function figureOf(url: string, name: string, labels = ''): Promise<number> {
  const lines = (await metrics(url)).split('\n').filter((line) => line.startsWith(name))
  return lines
    .filter((line) => line.includes(labels))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

async function metrics(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text()
}
