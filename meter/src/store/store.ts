import type {
  LinkRecord,
  RelayIdentity,
  ReportDimension,
  TrafficBatch,
  TrafficProtocol,
} from '@parley/protocol'
import type { AllocationRecord, CellSums, MediaPod, UsageCell, Window } from '@parley/relay-cost'
import type { Cell } from '../traffic/batches.ts'
import type { Alert, Stored, TrafficRetention, TrafficTable } from '../traffic/tables.ts'

/**
 * Where allocation records live. Writing is a merge (see mergeAllocations in relay-cost): the same
 * record written twice, by one meter or by two, is there once.
 * Every method rejects with a StoreError.
 */
export type Store = {
  /** Joins records into what is stored; all of them or, where it fails, none. */
  merge(records: readonly AllocationRecord[]): Promise<Merged>
  /** Records alive in any UTC hour that the window touches, with their traffic up to its end. */
  records(window: Window): Promise<AllocationRecord[]>
  /**
   * Records of which more may be said: alive at `since` (epoch ms) or later, and not closed, or last
   * heard of at `closedSince` or later.
   */
  recent(since: number, closedSince: number): Promise<AllocationRecord[]>
  /** What each meter's allocations came to: one book, or more where the store was opened for all. */
  books(): Promise<Book[]>
  close(): Promise<void>
}

export type Merged = {
  /**
   * Hours that records told of and that stay as they were: their allocations were deleted for their
   * age, so they cannot be summed up again.
   */
  lateHours: number
}

/**
 * One meter's usage by hour and by day. An hour that changed since it was rolled up has to be worked
 * out from its allocations, and rolled up again.
 */
export type Book = {
  /** The meter's allocations, as {@link Store.records}. */
  records(window: Window): Promise<AllocationRecord[]>
  /** What pages reported of their links; with the allocations it decides what an hour comes to. */
  links: Links
  /** Where the pods of TURN and the SFU were: it decides the zones of an hour, and what nodes cost. */
  pods: Pods
  heard: Heard
  /** What servers did, by hour and by day. */
  traffic: TrafficBook
  /** Of the meter whose book it is; undefined where it has not said. */
  region(): Promise<string | undefined>
  setRegion(region: string): Promise<void>
  /** Hours from `from` to before `to` that are to be rolled up (again), the earliest first. */
  changedHours(window: Window): Promise<ChangedHour[]>
  /** Puts an hour's cells in place of what it had; false where it has changed since, and stays. */
  putHour(hour: ChangedHour, cells: readonly UsageCell[]): Promise<boolean>
  /** Sums a day's hours up. */
  putDay(day: number): Promise<void>
  /** Starts of days in the window that are summed up; with `rolled` false, those that are not. */
  days(window: Window, rolled: boolean): Promise<number[]>
  /** From the first to after the last hour of which anything is known; undefined: nothing is. */
  extent(): Promise<Window | undefined>
  /**
   * What the spans come to, by the dimensions asked for and the transport. There may be several rows
   * of one key.
   * @param first hour at which the report begins: there, what was carried counts
   */
  sums(spans: readonly Span[], by: readonly ReportDimension[], first: number): Promise<CellSums[]>
  /** Up to when (epoch ms) allocations and hours were deleted for their age; 0 where none were. */
  kept(): Promise<Kept>
  /**
   * Deletes what is older, a bounded number of rows at a time: allocations that ended before (and what was
   * reported of links a week before), and hours of days that are summed up. What is not rolled up yet is kept.
   * @param now epoch ms; that what is later was deleted was said by a clock that was wrong
   * @returns whether there is more
   */
  forget(before: Kept, now: number): Promise<boolean>
}

export type RoomOf = Pick<RelayIdentity, 'tenant' | 'room'>

export type Links = {
  /** Joins reports into what is stored; hours for which they say something new are rolled up (again). */
  merge(records: readonly LinkRecord[]): Promise<Merged>
  /** Those of the rooms' links that may have been there in the window. */
  between(window: Window, rooms: readonly RoomOf[]): Promise<LinkRecord[]>
}

export type Pods = {
  /** Notes those that are there now (epoch ms); hours whose zones become known are rolled up (again). */
  put(pods: readonly MediaPod[], now: number): Promise<Merged>
  /** Those that were there in the window, or not long before. */
  between(window: Window): Promise<MediaPod[]>
  /** Since when (epoch ms) pods of TURN are known; undefined: none are. */
  since(): Promise<number | undefined>
}

/** When the meter heard coturn: what is said while it does not, nobody counts. */
export type Heard = {
  /** It has heard it from then (epoch ms) until now. */
  note(time: Window): Promise<void>
  /** The times that touch the window, in order, and the first of all. */
  during(window: Window): Promise<Window[]>
}

export type ChangedHour = {
  /** Epoch ms of its start. */
  hour: number
  /** How often it has changed. */
  changes: number
}

/** Hours from `from` to before `to` (epoch ms), of one of the tables. */
export type Span = { table: 'usage_hours' | 'usage_days'; from: number; to: number }

export type Kept = { allocations: number; hours: number }

/** See the programs of the same names in traffic/tables.ts. */
export type TrafficBook = {
  add(batches: readonly TrafficBatch[], now: number, kept: TrafficRetention): Promise<Stored>
  lastOf(sources: readonly string[]): Promise<Map<string, number>>
  cells(table: TrafficTable, protocol: TrafficProtocol, window: Window): Promise<Cell[]>
  putAlerts(alerts: readonly Alert[]): Promise<void>
  alerts(limit: number): Promise<Alert[]>
  forget(now: number, kept: TrafficRetention): Promise<boolean>
}
