import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import { TooManyRequests, Unavailable } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { WorkQueue } from './queue.ts'

export interface ReconcileResult {
  /** Look again after this long, in ms, though nothing may have changed. */
  requeueAfterMs?: number
}

/**
 * Brings the world closer to what the object of this key asks for, and says when to look again.
 *
 * Level-based: it is told which object, never what happened to it. It reads the present state and acts on that,
 * so events may be merged, repeated, late or lost (until the next resync) with the same outcome. A rejection
 * means "try again", after a growing delay.
 */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult>

export interface ControllerOptions {
  name: string
  reconcile: Reconcile
  /** Keys worked on at a time. Default 8. */
  workers?: number
  clock: Clock
  metrics: Metrics
  log: Logger
}

const results = ['success', 'requeue_after', 'error'] as const

/** It is not the key's fault when there is no server: no long penalty for it once the server is back. */
const UNAVAILABLE_MAX_MS = 5_000

export class Controller {
  readonly queue: WorkQueue
  readonly #options: ControllerOptions

  constructor(options: ControllerOptions) {
    this.#options = options
    const { name, clock, metrics } = options
    this.queue = new WorkQueue({ name, clock, metrics })
  }

  /** Works until the signal aborts and what was begun is finished. */
  async run(signal: AbortSignal): Promise<void> {
    const { name, workers = 8, metrics } = this.#options
    metrics.maxConcurrentReconciles.set({ controller: name }, workers)
    // From 0 on, as controller-runtime has it: who asks for errors is told that there are none.
    metrics.reconcileErrors.inc({ controller: name }, 0)
    for (const result of results) metrics.reconcileTotal.inc({ controller: name, result }, 0)
    signal.addEventListener('abort', () => this.queue.stop(), { once: true })
    if (signal.aborted) this.queue.stop()
    await Promise.all(Array.from({ length: workers }, () => this.#work(signal)))
  }

  async #work(signal: AbortSignal) {
    for (;;) {
      const key = await this.queue.take()
      if (key === undefined) return
      // One that waits for nobody is over before the next begins, so that their garbage is not mixed and kept.
      await setImmediate()
      await this.#reconcile(key, signal)
      this.queue.done(key)
    }
  }

  async #reconcile(key: string, signal: AbortSignal) {
    const { name: controller, clock, metrics, log } = this.#options
    const started = clock.now()
    metrics.activeWorkers.inc({ controller })
    let result: (typeof results)[number] = 'success'
    try {
      const { requeueAfterMs } = await this.#options.reconcile(key, signal)
      this.queue.forget(key)
      if (requeueAfterMs !== undefined) {
        result = 'requeue_after'
        this.queue.addAfter(key, requeueAfterMs)
      }
    } catch (error) {
      result = 'error'
      metrics.reconcileErrors.inc({ controller })
      if (error instanceof TooManyRequests) this.queue.addAfter(key, error.retryAfterMs)
      else if (error instanceof Unavailable) this.queue.addRateLimited(key, UNAVAILABLE_MAX_MS)
      else this.queue.addRateLimited(key)
      if (!signal.aborted) {
        // A server that is away is told once by its watches; a line for each key would bury the rest.
        const level =
          error instanceof Unavailable || error instanceof TooManyRequests ? 'debug' : 'error'
        log[level]({ controller, key, error: (error as Error).message }, 'reconcile failed')
      }
    } finally {
      metrics.activeWorkers.dec({ controller })
      metrics.reconcileTotal.inc({ controller, result })
      metrics.reconcileSeconds.observe({ controller }, (clock.now() - started) / 1000)
    }
  }
}
