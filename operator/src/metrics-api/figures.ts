import type { Labels } from './label-selector.ts'

/** One value of a metric, and when it was measured (epoch ms). */
export interface Figure {
  value: number
  at: number
}

/** What the API serves. A figure that is not known is left out, never guessed. */
export interface FigureSource {
  /** Of MeetingClusters in a namespace, for those whose labels are asked for. */
  ofClusters(query: {
    namespace: string
    metric: string
    wants: (labels: Labels) => boolean
  }): Promise<(Figure & { labels: Labels })[]>
  /** Of pods in a namespace. */
  ofPods(query: {
    namespace: string
    metric: string
    wants: (pod: { name: string; labels: Labels }) => boolean
  }): Promise<(Figure & { pod: string })[]>
}

/** A quantity as Kubernetes writes it: whole, or in thousandths. */
export function quantity(value: number): string {
  return Number.isInteger(value) ? String(value) : `${Math.round(value * 1000)}m`
}
