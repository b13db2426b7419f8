import {
  type FullMetrics,
  type MetricsDelta,
  type PackedMetrics,
  type PageConfig,
  packMetrics,
  type RoomSnapshot,
} from '@parley/protocol'
import type { Cell } from '../../state.ts'
import type { RoomFollower } from '../call/RoomFollower.ts'
import type { EngineRequest, EngineResult } from './MetricsEngine.ts'
import { initialMetrics, type MetricsState } from './metricsState.ts'
import type { Readings } from './statsRows.ts'

/** The way to the metrics gateway. It connects by itself, again and again, and hurries nowhere. */
export type MetricsSocket = {
  readonly connected: boolean
  /** The server at the other end reads packed deltas. */
  readonly packs: boolean
  /** @param token of the newest seat */
  open(token: string): void
  send(message: {
    meetingId?: string
    metrics: FullMetrics | MetricsDelta | PackedMetrics
    timestamp?: number
  }): void
  close(): void
}

export type CallMonitorOptions = {
  metrics: Cell<MetricsState>
  /** What the server wants; undefined where it wants nothing, which turns all of this off. */
  config(): Promise<PageConfig['metrics']>
  /** @param onResult of each `take`, later */
  startEngine(onResult: (result: EngineResult) => void): {
    post(request: EngineRequest): void
    stop(): void
  }
  /** @param onStart somebody hears from now on, who knows nothing yet */
  createSocket(onStart: () => void): MetricsSocket
  epochMs(): number
}

/** Readings may come a little early. */
const earlyMs = 100

/** Watches the connections of a call: has figures made of them, shows those, and reports them. */
export class CallMonitor implements RoomFollower {
  readonly #options: CallMonitorOptions
  readonly #socket: MetricsSocket
  #settings: PageConfig['metrics'] | null = null
  #engine: ReturnType<CallMonitorOptions['startEngine']> | undefined
  #room = ''
  #lastMs = Number.NEGATIVE_INFINITY
  /** Rises with every end: what an older call awaited is of no interest any more. */
  #stay = 0

  constructor(options: CallMonitorOptions) {
    this.#options = options
    this.#socket = options.createSocket(() => this.#engine?.post({ kind: 'startOver' }))
  }

  entered({ room, resume }: RoomSnapshot): void {
    void this.#enter(room, resume, this.#stay)
  }

  async #enter(room: string, token: string, stay: number): Promise<void> {
    this.#settings ??= await this.#options.config()
    if (!this.#settings || stay !== this.#stay) return
    this.#room = room
    if (!this.#engine) {
      this.#engine = this.#options.startEngine((result) => {
        if (stay === this.#stay) this.#show(result)
      })
      this.#engine.post({ kind: 'begin', emitMs: this.#settings.emitMs })
    }
    this.#socket.open(token)
  }

  /** What was read of the call's connections, each time that it is. */
  take(readings: Readings): void {
    if (!this.#engine || !this.#settings) return
    if (readings.atMs - this.#lastMs < this.#settings.statsMs - earlyMs) return
    this.#lastMs = readings.atMs
    this.#engine.post({ kind: 'take', readings, mayEmit: this.#socket.connected })
  }

  away(): void {}

  heard(): void {}

  left(): void {
    this.stop()
  }

  /** The call is over, or has failed. */
  stop(): void {
    this.#stay++
    this.#socket.close()
    this.#engine?.stop()
    this.#engine = undefined
    this.#lastMs = Number.NEGATIVE_INFINITY
    this.#options.metrics.set(initialMetrics)
  }

  #show({ links, user, event }: EngineResult): void {
    this.#options.metrics.set({
      user,
      links: Object.fromEntries(links.map((link) => [link.id, link])),
    })
    // An event that finds no socket is a gap, after which the server asks for all of it.
    if (!event || !this.#socket.connected) return
    if ('full' in event)
      this.#socket.send({
        meetingId: this.#room,
        metrics: event,
        timestamp: Math.round(this.#options.epochMs()),
      })
    else this.#socket.send({ metrics: this.#socket.packs ? packMetrics(event) : event })
  }
}
