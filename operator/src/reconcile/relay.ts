import { meterTokenHeader, relaySummarySchema } from '@parley/protocol'
import type { MeetingClusterStatus } from '../api/index.ts'
import type { ApiClient } from '../runtime/client.ts'
import { type Clock, sleep } from '../runtime/clock.ts'
import { type K8sObject, SECRETS } from '../runtime/resources.ts'

export interface RelayReading {
  /** The last figures read; kept when a later reading fails. */
  summary?: NonNullable<MeetingClusterStatus['relay']>
  /** Why the last reading failed. */
  error?: string
}

/** Where the meter of a MeetingCluster is reached. */
export interface MeterTarget {
  key: string
  namespace: string
  /** Name of the meter's Service. */
  service: string
  /** Name of the Secret with the token. */
  tokenSecret: string
}

export interface RelayPollerOptions {
  client: Pick<ApiClient, 'get' | 'proxyGet'>
  /** The meters that are ready now. */
  targets: () => Iterable<MeterTarget>
  /** The reading of this MeetingCluster has changed. */
  onChange: (key: string) => void
  clock: Clock
  /** Default 10 s. */
  intervalMs?: number
}

const PARALLEL = 4

/**
 * Reads `/summary` of every ready meter, through the API server so that it works from outside the cluster too.
 * A meter that does not answer changes what is said, never what is done.
 */
export class RelayPoller {
  readonly #options: RelayPollerOptions
  readonly #readings = new Map<string, RelayReading>()
  readonly #tokens = new Map<string, string>()

  constructor(options: RelayPollerOptions) {
    this.#options = options
  }

  reading(key: string): RelayReading | undefined {
    return this.#readings.get(key)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs = 10_000 } = this.#options
    while (!signal.aborted) {
      await this.pollAll()
      await sleep(clock, intervalMs, signal)
    }
  }

  /** Reads all meters once, a few at a time. */
  async pollAll(): Promise<void> {
    const targets = [...this.#options.targets()]
    const live = new Set(targets.map(({ key }) => key))
    for (const key of this.#readings.keys()) if (!live.has(key)) this.#forget(key)
    const next = async () => {
      for (let target = targets.pop(); target; target = targets.pop()) await this.#poll(target)
    }
    await Promise.all(Array.from({ length: PARALLEL }, next))
  }

  async #poll(target: MeterTarget) {
    const before = this.#readings.get(target.key)
    const after = await this.#read(target, before)
    this.#readings.set(target.key, after)
    if (before?.error !== after.error || !sameFigures(before?.summary, after.summary)) {
      this.#options.onChange(target.key)
    }
  }

  async #read(target: MeterTarget, before: RelayReading | undefined): Promise<RelayReading> {
    const { client } = this.#options
    try {
      const token = await this.#token(target)
      const answer = await client.proxyGet<unknown>(target.namespace, target.service, '/summary', {
        [meterTokenHeader]: token,
      })
      const { allocations, users, currency, costPerHour, monthToDate } =
        relaySummarySchema.parse(answer)
      return {
        summary: {
          allocations,
          users,
          costPerHour: money(costPerHour),
          monthToDate: money(monthToDate),
          currency,
        },
      }
    } catch (error) {
      // The token may be a new one.
      this.#tokens.delete(target.key)
      return { ...(before?.summary ? { summary: before.summary } : {}), error: reasonOf(error) }
    }
  }

  async #token({ key, namespace, tokenSecret }: MeterTarget): Promise<string> {
    const known = this.#tokens.get(key)
    if (known !== undefined) return known
    const secret = await this.#options.client.get<K8sObject & { data?: Record<string, string> }>(
      SECRETS,
      namespace,
      tokenSecret,
    )
    const token = Buffer.from(secret.data?.token ?? '', 'base64').toString()
    this.#tokens.set(key, token)
    return token
  }

  #forget(key: string) {
    this.#readings.delete(key)
    this.#tokens.delete(key)
  }
}

/** Enough digits for a cost that is a fraction of a cent an hour, and no more changes than needed. */
function money(amount: number): string {
  return amount.toFixed(4)
}

function sameFigures(a: RelayReading['summary'], b: RelayReading['summary']): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Short and stable, so that a failure that goes on is not a new status every ten seconds. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'ZodError' ? 'the answer is not a summary' : error.message.slice(0, 200)
}
