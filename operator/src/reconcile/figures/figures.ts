import { relayLoadSchema, sumsOf } from '@parley/protocol'
import type { Component } from '../../api/index.ts'
import type { FigureSource, Labels } from '../../metrics-api/index.ts'
import {
  CLUSTER_LABEL,
  EXTERNAL_METRICS,
  type ExternalMetric,
  SFU_METRICS_PORT,
  SIGNALING_PORT,
} from '../../render/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { PodEntry } from '../observed.ts'
import type { MeterClient, MeterTarget } from './meter-client.ts'
import type { PodScraper } from './pod-scraper.ts'

/** What the pods of one component carry. */
interface Reading {
  /** Epoch ms. */
  at: number
  pods: Map<string, Partial<Record<ExternalMetric, number>>>
  /** Rooms with somebody in them, of signaling. */
  rooms?: number
}

export interface FiguresOptions {
  meter: Pick<MeterClient, 'get'>
  scraper: PodScraper
  /** Keys of the MeetingClusters in a namespace. */
  clustersIn: (namespace: string) => Iterable<{ key: string; name: string }>
  /** Pods of a MeetingCluster, also those on their way out. */
  podsOf: (key: string, component: Component) => readonly PodEntry[]
  meterOf: (key: string) => MeterTarget | undefined
  labelsOf: (key: string, component: Component) => Labels
  clock: Clock
}

/** Autoscalers look every 15 s; what was read within this time is told again. */
const FRESH_MS = 10_000
/** A source that is gone for longer than this has no figure: autoscalers then leave things as they are. */
const STALE_MS = 60_000
const PARALLEL = 8
const PRUNE_MIN = 100

const METRICS_PORT = { sfu: SFU_METRICS_PORT, signaling: SIGNALING_PORT } as const

/** A replica that holds one of four people in a room counts a quarter of it: over all replicas that is the rooms. */
const SIGNALING_ROOMS = 'parley_signaling_room_shares'
const LIVEKIT = {
  rooms: 'livekit_room_total',
  received: 'livekit_track_published_total',
  sent: 'livekit_track_subscribed_total',
} as const

/**
 * Figures of what MeetingClusters carry now, read when somebody asks for them: TURN's from the meter, those of the
 * SFU and of signaling from each of their pods. So every replica of the operator can answer, and nothing is read
 * that nobody wants to know.
 *
 * A figure is whole or not there: if one of several pods does not answer, the sum of the others would make an
 * autoscaler take pods away.
 */
export class Figures implements FigureSource {
  readonly #options: FiguresOptions
  readonly #readings = new Map<string, Reading>()
  #pruneAt = PRUNE_MIN
  readonly #running = new Map<string, Promise<Reading | undefined>>()

  constructor(options: FiguresOptions) {
    this.#options = options
  }

  async ofClusters({ namespace, metric, wants }: Parameters<FigureSource['ofClusters']>[0]) {
    const component = componentOf(metric)
    const clusters = [...this.#options.clustersIn(namespace)].filter(({ name }) =>
      wants({ [CLUSTER_LABEL]: name }),
    )
    const found = await inParallel(clusters, async ({ key, name }) => {
      const reading = component && (await this.#read(key, component))
      if (!reading) return []
      const values = this.#present(key, component).map(
        (pod) => reading.pods.get(pod)?.[metric as ExternalMetric] ?? 0,
      )
      const value = values.reduce((sum, each) => sum + each, 0)
      return [{ labels: { [CLUSTER_LABEL]: name }, value, at: reading.at }]
    })
    return found.flat()
  }

  async ofPods({ namespace, metric, wants }: Parameters<FigureSource['ofPods']>[0]) {
    const { clustersIn, labelsOf } = this.#options
    const component = componentOf(metric)
    if (!component) return []
    const found = await inParallel([...clustersIn(namespace)], async ({ key }) => {
      const labels = labelsOf(key, component)
      const pods = this.#present(key, component).filter((name) => wants({ name, labels }))
      const reading = pods.length > 0 ? await this.#read(key, component) : undefined
      if (!reading) return []
      return pods.map((pod) => ({
        pod,
        value: reading.pods.get(pod)?.[metric as ExternalMetric] ?? 0,
        at: reading.at,
      }))
    })
    return found.flat()
  }

  /** Rooms with somebody in them, as signaling says; undefined where it does not. */
  async rooms(key: string): Promise<number | undefined> {
    return (await this.#read(key, 'signaling'))?.rooms
  }

  /** Pods that count: a pod that drains carries what it has to its end, which is no reason for another one. */
  #present(key: string, component: Component): string[] {
    return this.#options
      .podsOf(key, component)
      .flatMap(({ name, leaving }) => (leaving ? [] : [name]))
  }

  async #read(key: string, component: Component): Promise<Reading | undefined> {
    const id = `${component} ${key}`
    const now = this.#options.clock.now()
    const known = this.#readings.get(id)
    if (known && now - known.at < FRESH_MS) return known
    const running = this.#running.get(id) ?? this.#readNow(key, component)
    this.#running.set(id, running)
    const reading = await running
    this.#running.delete(id)
    if (reading) {
      this.#remember(id, reading)
      return reading
    }
    if (known && now - known.at < STALE_MS) return known
    this.#readings.delete(id)
    return undefined
  }

  /** Now and then, those of MeetingClusters that are gone are dropped. */
  #remember(id: string, reading: Reading) {
    this.#readings.set(id, reading)
    if (this.#readings.size < this.#pruneAt) return
    for (const [old, { at }] of this.#readings)
      if (reading.at - at > STALE_MS) this.#readings.delete(old)
    this.#pruneAt = 2 * this.#readings.size + PRUNE_MIN
  }

  /** Never rejects: what cannot be read is not known. */
  async #readNow(key: string, component: Component): Promise<Reading | undefined> {
    try {
      return component === 'turn' ? await this.#readLoad(key) : await this.#scrape(key, component)
    } catch {
      return undefined
    }
  }

  async #readLoad(key: string): Promise<Reading | undefined> {
    const { meter, meterOf, clock } = this.#options
    const target = meterOf(key)
    if (!target) return undefined
    const { pods } = await meter.get(target, '/load', relayLoadSchema)
    return {
      at: clock.now(),
      pods: new Map(
        Object.entries(pods).map(([pod, { relayedMbps, allocations }]) => [
          pod,
          { parley_relay_mbps: relayedMbps, parley_relay_allocations: allocations },
        ]),
      ),
    }
  }

  async #scrape(key: string, component: Component): Promise<Reading | undefined> {
    const { scraper, podsOf, clock } = this.#options
    if (component !== 'sfu' && component !== 'signaling') return undefined
    const port = METRICS_PORT[component]
    const targets = podsOf(key, component).filter(({ ready }) => ready)
    if (targets.length === 0) return undefined
    const texts = await Promise.all(
      targets.map(({ namespace, name, ip = '' }) => scraper.scrape({ namespace, name, ip, port })),
    )
    const values = texts.map((text) => (component === 'sfu' ? ofLiveKit(text) : ofSignaling(text)))
    const rooms = texts.flatMap((text) => sumsOf(text, [SIGNALING_ROOMS])[SIGNALING_ROOMS] ?? [])
    return {
      at: clock.now(),
      pods: new Map(targets.map(({ name }, index) => [name, values[index] ?? {}])),
      ...(rooms.length > 0 ? { rooms: countOf(rooms.reduce((a, b) => a + b)) } : {}),
    }
  }
}

/** As a status takes it: pods say what they like. */
function countOf(sum: number): number {
  return Math.min(Math.max(0, Math.round(sum)), Number.MAX_SAFE_INTEGER)
}

function componentOf(metric: string): Component | undefined {
  return Object.hasOwn(EXTERNAL_METRICS, metric)
    ? EXTERNAL_METRICS[metric as ExternalMetric].component
    : undefined
}

/** LiveKit's own limit counts tracks both ways; a node without any room has no series yet. */
function ofLiveKit(text: string) {
  const { rooms, received, sent } = LIVEKIT
  const sums = sumsOf(text, [rooms, received, sent])
  return {
    parley_sfu_tracks: (sums[received] ?? 0) + (sums[sent] ?? 0),
    parley_sfu_rooms: sums[rooms] ?? 0,
  }
}

function ofSignaling(text: string) {
  const { parley_signaling_sockets } = sumsOf(text, ['parley_signaling_sockets'])
  if (parley_signaling_sockets === undefined) throw new Error('no count of sockets')
  return { parley_signaling_sockets }
}

async function inParallel<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = [...items.entries()]
  const next = async () => {
    for (let entry = queue.shift(); entry; entry = queue.shift())
      results[entry[0]] = await task(entry[1])
  }
  await Promise.all(Array.from({ length: PARALLEL }, next))
  return results
}
