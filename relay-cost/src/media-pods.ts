import type { Place } from './destinations.ts'
import type { Window } from './request.ts'

/** When a pod of TURN or the SFU was on which node. */
export type MediaPod = {
  /** As coturn's realm begins: `<pod>.<cluster>`. */
  pod: string
  component: 'turn' | 'sfu'
  node: string
  /** '' where it is not known. */
  zone: string
  /** Of the node; '' where it is not known. */
  instanceType: string
  /** What it is planned to send at most, Mbit/s. */
  mbps: number
  /** Epoch ms; `to` is when it was there last. */
  from: number
  to: number
}

/** How long the nodes of TURN were there, all together. */
export type NodeTime = {
  milliseconds: number
  /** Of one of them, on average. */
  capacityMbps: number
  /** Those that are known, in order. */
  instanceTypes: readonly string[]
}

/**
 * For how long nodes had a pod of TURN in a window. A node counts once, whatever number of such pods it had
 * at a time, and whole, whatever else ran on it.
 * @returns undefined where no pod of TURN is known in the window
 */
export function nodeTime(pods: Iterable<MediaPod>, { from, to }: Window): NodeTime | undefined {
  const turn = [...pods].filter((pod) => pod.component === 'turn' && pod.from < to && pod.to > from)
  if (turn.length === 0) return undefined
  let [milliseconds, megabits] = [0, 0]
  for (const onNode of Map.groupBy(turn, ({ node }) => node).values()) {
    let until = from
    for (const pod of onNode.toSorted((a, b) => a.from - b.from)) {
      const end = Math.min(pod.to, to)
      const length = Math.max(0, end - Math.max(pod.from, until))
      until = Math.max(until, end)
      milliseconds += length
      megabits += length * pod.mbps
    }
  }
  const types = new Set(turn.map(({ instanceType }) => instanceType).filter((type) => type !== ''))
  return {
    milliseconds,
    capacityMbps: milliseconds > 0 ? megabits / milliseconds : 0,
    instanceTypes: [...types].sort(),
  }
}

/** The nodes of one and those of another. */
export function addNodeTime(a: NodeTime, b: NodeTime): NodeTime {
  const milliseconds = a.milliseconds + b.milliseconds
  const megabits = a.milliseconds * a.capacityMbps + b.milliseconds * b.capacityMbps
  return {
    milliseconds,
    capacityMbps: milliseconds > 0 ? megabits / milliseconds : 0,
    instanceTypes: [...new Set([...a.instanceTypes, ...b.instanceTypes])].sort(),
  }
}

/** The zone of each TURN pod, by realm; '' where it is not known. */
export function zonesOf(pods: Iterable<MediaPod>): (realm: string) => string {
  const zones = new Map([...pods].map(({ pod, zone }) => [pod, zone]))
  // Names of clusters have no dot in them.
  return (realm) => zones.get(realm.slice(0, Math.max(0, realm.lastIndexOf('.')))) ?? ''
}

/** Where pods of the SFU were in a window; none where that is not known of all of them. */
export function sfuPlaces(
  pods: Iterable<MediaPod>,
  { from, to }: Window,
  region: string,
): readonly Place[] {
  const there = [...pods].filter(
    (pod) => pod.component === 'sfu' && pod.from < to && pod.to >= from,
  )
  if (there.some(({ zone }) => zone === '')) return []
  return [...new Set(there.map(({ zone }) => zone))].sort().map((zone) => ({ region, zone }))
}
