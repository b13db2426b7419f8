import type { FullMetrics, MetricsDelta, UserMetrics } from '@parley/protocol'
import { type ConnectionMetrics, ConnectionWindow } from './connectionMetrics.ts'
import { DeltaEncoder } from './DeltaEncoder.ts'
import { EmissionPolicy } from './EmissionPolicy.ts'
import type { ConnectionReading, Readings } from './statsRows.ts'
import { aggregate } from './userMetrics.ts'

export type EngineRequest =
  | { kind: 'begin'; emitMs: number }
  /** @param mayEmit somebody would hear it */
  | { kind: 'take'; readings: Readings; mayEmit: boolean }
  /** The other end knows nothing, or has lost count. */
  | { kind: 'startOver' }

export type EngineResult = {
  /** By participant. */
  links: ConnectionMetrics[]
  user: UserMetrics
  /** To be sent. */
  event: FullMetrics | MetricsDelta | undefined
}

/** All that is reckoned of a call: runs in a worker (REQ-M2), and is the same anywhere. */
export class MetricsEngine {
  readonly #windows = new Map<string, ConnectionWindow>()
  readonly #cut = new Set<string>()
  readonly #policy: EmissionPolicy
  readonly #encoder = new DeltaEncoder()
  #sent = 0
  #received = 0
  #back = 0

  constructor(emitMs: number) {
    this.#policy = new EmissionPolicy(emitMs)
  }

  startOver(): void {
    this.#policy.startOver()
    this.#encoder.startOver()
  }

  take({ atMs, links, sfu }: Readings, mayEmit: boolean): EngineResult {
    this.#forget(links, sfu)
    for (const link of links) this.#countReturn(link)
    const measured = links.map((link) => this.#measure(`link ${link.id}`, link, atMs))
    const onSfu = sfu && this.#measure('sfu', sfu, atMs)
    // Links over the SFU are one connection, which counts once.
    const direct = measured.filter((_, index) => !links[index]?.overSfu)
    const connections = [...direct, ...(onSfu ? [onSfu] : [])]
    for (const { fresh } of connections) {
      this.#sent += fresh.sent
      this.#received += fresh.received
    }
    const { due, ...reading } = aggregate(connections.map(({ metrics }) => metrics))
    const user: UserMetrics = {
      ...reading,
      tx: Math.floor(this.#sent / 1000),
      rx: Math.floor(this.#received / 1000),
      back: this.#back,
    }
    const said = mayEmit && this.#policy.decide({ ...reading, due }, atMs) !== undefined
    return {
      links: measured.map(({ metrics }) => metrics),
      user,
      event: said ? this.#encoder.encode(user) : undefined,
    }
  }

  #measure(key: string, reading: ConnectionReading, atMs: number) {
    const window = this.#windows.get(key) ?? new ConnectionWindow()
    this.#windows.set(key, window)
    const metrics = window.take(reading, atMs)
    return { metrics, fresh: window.fresh }
  }

  #forget(links: readonly ConnectionReading[], sfu: ConnectionReading | undefined): void {
    const here = new Set([...links.map(({ id }) => `link ${id}`), ...(sfu ? ['sfu'] : [])])
    for (const key of this.#windows.keys()) if (!here.has(key)) this.#windows.delete(key)
    for (const id of this.#cut) if (!here.has(`link ${id}`)) this.#cut.delete(id)
  }

  #countReturn({ id, state }: ConnectionReading): void {
    if (state === 'reconnecting' || state === 'failed') this.#cut.add(id)
    else if (state === 'connected' && this.#cut.delete(id)) this.#back++
  }
}
