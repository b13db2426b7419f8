import type { Clock } from './clock.ts'
import type { Metrics } from './metrics.ts'

export interface WorkQueueOptions {
  name: string
  clock: Clock
  metrics: Metrics
  /** Delay after the nth failure in a row: `first · 2ⁿ`, at most `max`. Default 5 ms and 1000 s. */
  backoffMs?: { first: number; max: number }
}

/**
 * Keys waiting for a worker. A key is in the queue once, however often it is added; a key that a worker has is
 * not given to another one, and an `add` meanwhile brings it back when the first is done. So no change is lost,
 * and no key is worked on twice at a time.
 */
export class WorkQueue {
  readonly #clock: Clock
  readonly #metrics: Metrics
  readonly #labels: { name: string; controller: string }
  readonly #backoff: { first: number; max: number }
  /** In order of arrival, with the time of it. */
  readonly #ready = new Map<string, number>()
  /** What workers have, since when. */
  readonly #working = new Map<string, number>()
  /** Added while a worker had it. */
  readonly #again = new Set<string>()
  readonly #later = new Map<string, { at: number; cancel: () => void }>()
  readonly #failures = new Map<string, number>()
  readonly #idle: ((key: string | undefined) => void)[] = []
  #stopped = false

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock
    this.#metrics = options.metrics
    this.#labels = { name: options.name, controller: options.name }
    this.#backoff = options.backoffMs ?? { first: 5, max: 1_000_000 }
  }

  add(key: string): void {
    if (this.#stopped || this.#ready.has(key) || this.#again.has(key)) return
    this.#metrics.queueAdds.inc(this.#labels)
    if (this.#working.has(key)) this.#again.add(key)
    else this.#offer(key)
  }

  /** Adds the key after `ms`; of several such requests the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return
    if (ms <= 0) {
      this.add(key)
      return
    }
    const at = this.#clock.now() + ms
    const planned = this.#later.get(key)
    if (planned && planned.at <= at) return
    planned?.cancel()
    const cancel = this.#clock.after(ms, () => {
      this.#later.delete(key)
      this.add(key)
    })
    this.#later.set(key, { at, cancel })
  }

  /** Adds the key after a delay that doubles with each call until `forget`, and is at most `maxMs`. */
  addRateLimited(key: string, maxMs: number = this.#backoff.max): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.#metrics.queueRetries.inc(this.#labels)
    this.addAfter(key, Math.min(maxMs, this.#backoff.max, this.#backoff.first * 2 ** failures))
  }

  /** The key is well: its next failure is the first again. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** The next key, when there is one; undefined once the queue is stopped. The caller must call `done`. */
  take(): Promise<string | undefined> {
    if (this.#stopped) return Promise.resolve(undefined)
    const [next] = this.#ready
    if (!next) return new Promise((resolve) => this.#idle.push(resolve))
    this.#ready.delete(next[0])
    this.#start(next[0], next[1])
    return Promise.resolve(next[0])
  }

  done(key: string): void {
    const started = this.#working.get(key)
    if (started === undefined) return
    this.#working.delete(key)
    this.#metrics.workSeconds.observe(this.#labels, (this.#clock.now() - started) / 1000)
    if (this.#again.delete(key) && !this.#stopped) this.#offer(key)
  }

  /** No key is given out any more; workers that wait get undefined. */
  stop(): void {
    this.#stopped = true
    for (const { cancel } of this.#later.values()) cancel()
    this.#later.clear()
    this.#ready.clear()
    for (const resolve of this.#idle.splice(0)) resolve(undefined)
  }

  /** Sets the gauges that depend on the time of reading. */
  measure(): void {
    const now = this.#clock.now()
    let sum = 0
    let longest = 0
    for (const started of this.#working.values()) {
      sum += now - started
      longest = Math.max(longest, now - started)
    }
    this.#metrics.queueDepth.set(this.#labels, this.#ready.size)
    this.#metrics.unfinishedSeconds.set(this.#labels, sum / 1000)
    this.#metrics.longestRunningSeconds.set(this.#labels, longest / 1000)
  }

  #offer(key: string) {
    const now = this.#clock.now()
    const idle = this.#idle.shift()
    if (!idle) {
      this.#ready.set(key, now)
      return
    }
    this.#start(key, now)
    idle(key)
  }

  #start(key: string, added: number) {
    const now = this.#clock.now()
    this.#working.set(key, now)
    this.#metrics.queueSeconds.observe(this.#labels, (now - added) / 1000)
  }
}
