import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { countedByMeter, countedIn } from './figures.ts'
import { trafficServers } from './servers.ts'

export type SweepOptions = {
  /** For the files of the servers. */
  folder: string
  /** Rounds; in each the server, the worker and Redis are killed, one after the other. */
  rounds: number
  /** How long everything runs between one kill and the next. */
  betweenMs: number
  /** People who ask, each one request after the other, with a pause of this length. */
  people: number
  pauseMs: number
  say: (line: string) => void
}

export type SweepResult = {
  /** Requests that somebody had the whole answer to. */
  answered: number
  /** Requests whose answer was cut off by a kill: the server may have counted them or never seen them. */
  cut: number
  /** What the tables of hours, and of days, come to. */
  counted: { hours: number; days: number }
  kills: number
}

/**
 * Kills the server, the worker and Redis with SIGKILL, again and again, while people ask; then lets everything come
 * to rest, and says how many requests were answered and how many are in the store.
 */
export async function killSweep(options: SweepOptions): Promise<SweepResult> {
  const { folder, rounds, betweenMs, people, pauseMs, say } = options
  const servers = await trafficServers(folder, {
    meter: { METRICS_PROCESS_INTERVAL: '300', METRICS_PERSIST_INTERVAL: '1000' },
  })
  const { redis, signaling, meter } = servers
  const result = { answered: 0, cut: 0, kills: 0 }
  const stop = new AbortController()
  try {
    await redis.start()
    await Promise.all([signaling.start(), meter.start()])
    const crowd = Array.from({ length: people }, (_, index) =>
      ask(signaling.url, index, pauseMs, stop.signal, result),
    )
    for (let round = 0; round < rounds; round++) {
      for (const name of ['signaling', 'meter', 'redis'] as const) {
        await sleep(betweenMs)
        await servers[name].kill()
        result.kills += 1
        say(`killed ${name}; ${result.answered} requests answered so far, ${result.cut} cut off`)
        await servers[name].start()
      }
    }
    await sleep(betweenMs)
    stop.abort()
    await Promise.all(crowd)
    // What it has not sent is in its files.
    await signaling.kill()
    result.kills += 1
    await signaling.start()
    const hours = await countedByMeter(meter.url, result.answered)
    const days = await countedIn(meter.url, '8d')
    return { ...result, counted: { hours, days } }
  } finally {
    stop.abort()
    await Promise.all([signaling.kill(), meter.kill(), redis.kill()])
  }
}

/** Asks until it is told to stop: mostly for what is quick, sometimes for a room. */
export async function ask(
  url: string,
  index: number,
  pauseMs: number,
  signal: AbortSignal,
  result: { answered: number; cut: number },
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let count = 0; !signal.aborted; count++) {
    const outcome = await (count % 4 === 0
      ? once(agent, `${url}/api/rooms/room-${index}-${count}/join`, '{"name":"Ada"}')
      : once(agent, `${url}/healthz`))
    if (outcome === 'answered') result.answered += 1
    if (outcome === 'cut') result.cut += 1
    await sleep(outcome === 'refused' ? 20 : pauseMs)
  }
  agent.destroy()
}

/** Refused: nobody listened, so nobody was asked. */
function once(agent: Agent, url: string, body?: string): Promise<'answered' | 'cut' | 'refused'> {
  return new Promise((resolve) => {
    const failed = (error: Error) =>
      resolve((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refused' : 'cut')
    const headers = { 'content-type': 'application/json' }
    const asked = request(url, { agent, ...(body && { method: 'POST', headers }) }, (answer) => {
      answer.on('error', failed)
      answer.on('close', () => resolve(answer.complete ? 'answered' : 'cut'))
      answer.resume()
    })
    asked.on('error', failed)
    asked.end(body)
  })
}
