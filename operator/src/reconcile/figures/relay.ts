import { relaySummarySchema } from '@parley/protocol'
import type { MeetingClusterStatus } from '../../api/index.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import { plainText } from '../conditions.ts'
import type { MeterClient, MeterTarget } from './meter-client.ts'

export interface RelayReading {
  /** The last figures read; kept when a later reading fails. */
  summary?: NonNullable<MeetingClusterStatus['relay']>
  /** Rooms with somebody in them; left out while signaling does not say. */
  rooms?: number
  /** What keeps the meter from its work, as it says itself, by what it is about (`redis`, `store`). */
  troubles?: Readonly<Record<string, string>>
  /** Why the last reading of the meter failed. */
  error?: string
}

export interface RelayPollerOptions {
  meter: Pick<MeterClient, 'get' | 'forget'>
  /** The meters that run now; of one that is not ready, what it says is the reason. */
  targets: () => Iterable<MeterTarget>
  /** Rooms of a MeetingCluster. Never rejects. */
  rooms: (key: string) => Promise<number | undefined>
  /** The reading of this MeetingCluster has changed. */
  onChange: (key: string) => void
  clock: Clock
  random: () => number
  /** At least this long between two readings of a meter. Default 10 s. */
  intervalMs?: number
}

const PARALLEL = 4
const CURRENCY_MAX = 16
/** How much of an amount has to change to be told at once, and after how long the least change is. */
const WORTH_TELLING = 0.01
const TELL_MS = 10 * 60_000
/** Of a large fleet each is read less often: the API server, which all readings go through, has other things to do. */
const PER_TARGET_MS = 50

/**
 * Reads what the status of every MeetingCluster says of calls: `/summary` of its meter if that runs, and the
 * rooms of signaling. One that does not answer changes what is said, never what is done.
 */
export class RelayPoller {
  readonly #options: RelayPollerOptions
  readonly #readings = new Map<string, RelayReading>()
  /** What was told of last, and when. */
  readonly #told = new Map<string, { reading: RelayReading; at: number }>()

  constructor(options: RelayPollerOptions) {
    this.#options = options
  }

  reading(key: string): RelayReading | undefined {
    return this.#readings.get(key)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, intervalMs = 10_000 } = this.#options
    while (!signal.aborted) {
      const count = await this.pollAll(signal)
      const pause = Math.max(intervalMs, count * PER_TARGET_MS)
      await sleep(clock, pause * (1 + 0.2 * random()), signal)
    }
  }

  /** Reads all meters once, a few at a time, and none more once the signal aborts. @returns how many there are */
  async pollAll(signal?: AbortSignal): Promise<number> {
    const targets = [...this.#options.targets()]
    const count = targets.length
    const live = new Set(targets.map(({ key }) => key))
    for (const key of this.#readings.keys()) if (!live.has(key)) this.#forget(key)
    const next = async () => {
      for (let target = targets.pop(); target && !signal?.aborted; target = targets.pop())
        await this.#poll(target)
    }
    await Promise.all(Array.from({ length: PARALLEL }, next))
    return count
  }

  async #poll(target: MeterTarget) {
    const before = this.#readings.get(target.key)
    const [after, rooms] = await Promise.all([
      this.#read(target, before),
      this.#options.rooms(target.key),
    ])
    if (rooms !== undefined) after.rooms = rooms
    this.#readings.set(target.key, after)
    const told = this.#told.get(target.key)
    const at = this.#options.clock.now()
    if (told && !isNews(told.reading, after, at - told.at)) return
    this.#told.set(target.key, { reading: after, at })
    this.#options.onChange(target.key)
  }

  async #read(target: MeterTarget, before: RelayReading | undefined): Promise<RelayReading> {
    try {
      const { allocations, users, currency, costPerHour, monthToDate, forecast, troubles } =
        await this.#options.meter.get(target, '/summary', relaySummarySchema)
      const told = troubles ? { troubles } : {}
      if (costPerHour === undefined || monthToDate === undefined)
        return { ...(before?.summary ? { summary: before.summary } : {}), ...told }
      return {
        ...told,
        summary: {
          allocations,
          users,
          costPerHour: money(costPerHour),
          monthToDate: money(monthToDate),
          ...(forecast === undefined ? {} : { forecast: money(forecast) }),
          currency: plainText(currency, CURRENCY_MAX),
        },
      }
    } catch (error) {
      return { ...(before?.summary ? { summary: before.summary } : {}), error: reasonOf(error) }
    }
  }

  #forget(key: string) {
    this.#readings.delete(key)
    this.#told.delete(key)
    this.#options.meter.forget(key)
  }
}

/** Enough digits for a cost that is a fraction of a cent an hour, and no more changes than needed. */
function money(amount: number): string {
  return amount.toFixed(4)
}

/**
 * Nodes cost something every second: amounts that grow little by little are told now and then, or every
 * MeetingCluster's status would be written at each reading.
 */
function isNews(told: RelayReading, now: RelayReading, ageMs: number): boolean {
  const plain = ({ summary, ...rest }: RelayReading) => {
    const { costPerHour, monthToDate, forecast, ...figures } = summary ?? {}
    const isThere = [costPerHour, monthToDate, forecast].map((amount) => amount !== undefined)
    return JSON.stringify([figures, isThere, rest.rooms, rest.troubles, rest.error])
  }
  if (plain(told) !== plain(now)) return true
  const apart = (['costPerHour', 'monthToDate', 'forecast'] as const).map((name) => {
    const [a, b] = [Number(told.summary?.[name] ?? 0), Number(now.summary?.[name] ?? 0)]
    return a === b ? 0 : Math.abs(a - b) / Math.max(a, b)
  })
  return Math.max(...apart) >= (ageMs >= TELL_MS ? Number.MIN_VALUE : WORTH_TELLING)
}

/** Short and stable, so that a failure that goes on is not a new status every ten seconds. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'ZodError' ? 'the answer is not a summary' : error.message.slice(0, 200)
}
