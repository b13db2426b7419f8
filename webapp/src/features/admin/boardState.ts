import type { LiveUser, MeetingAlert } from '@parley/protocol'

/** All meetings together at one time. */
export type TrendPoint = {
  /** Epoch ms. */
  at: number
  users: number
  relayed: number
  /** Sent and received by all. */
  kbps: number
  rtt: number | null
  score: number | null
  /** Participants by round trip, in the rows of `latencyRows`. */
  latency: readonly number[]
  /** Participants by label of quality, in the order of `qualityLabels`. */
  quality: readonly number[]
}

export type BoardState = {
  /** Whether the server is heard: what there is is as it is now. */
  live: boolean
  /** By `meeting/user`. */
  users: ReadonlyMap<string, LiveUser>
  /** By id, those that are open first. */
  alerts: ReadonlyMap<string, MeetingAlert>
  acknowledged: ReadonlySet<string>
  /** Since the page was opened, an hour at most. */
  trend: readonly TrendPoint[]
}

export const initialBoard: BoardState = {
  live: false,
  users: new Map(),
  alerts: new Map(),
  acknowledged: new Set(),
  trend: [],
}
