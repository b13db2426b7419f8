import {
  type LiveSnapshot,
  type LiveUpdate,
  type LiveUser,
  type MeetingAlert,
  qualityLabels,
} from '@parley/protocol'
import { createStore, type StoreApi } from 'zustand/vanilla'
import { type BoardState, initialBoard, type TrendPoint } from './boardState.ts'

export type AdminBoardOptions = {
  /** Epoch milliseconds. */
  now(): number
  /** What was acknowledged earlier on this device, and where to keep it. */
  acknowledged: { read(): readonly string[]; keep(marks: readonly string[]): void }
}

/** Resolved alerts are shown for as long as they are among the latest. */
const alertsMax = 300
const acknowledgedMax = 500
/** An hour of points two seconds apart. */
const trendMax = 1800
/** Who is gone stays gone, whatever comes late. */
const goneMs = 60_000

/**
 * What an admin sees, put together of what the server says: a snapshot, and then what changes. Whatever the order in
 * which states of one participant come, the newest counts; who is gone is in no count (REQ-G4).
 */
export class AdminBoard {
  readonly store: StoreApi<BoardState> = createStore<BoardState>()(() => initialBoard)
  readonly #options: AdminBoardOptions
  /** By participant: when they went. */
  readonly #gone = new Map<string, number>()
  /** What came since the snapshot was asked for; undefined: it has come. */
  #early: { users: Set<string>; alerts: Set<string> } | undefined

  constructor(options: AdminBoardOptions) {
    this.#options = options
    this.store.setState({ acknowledged: new Set(options.acknowledged.read()) })
  }

  /** A snapshot is asked for: what is heard before it comes may be newer. */
  begin(): void {
    this.#early = { users: new Set(), alerts: new Set() }
  }

  take({ users, alerts }: LiveSnapshot): void {
    const early = this.#early ?? { users: new Set(), alerts: new Set() }
    this.#early = undefined
    const before = this.store.getState()
    const next = new Map<string, LiveUser>()
    for (const [key, user] of before.users) if (early.users.has(key)) next.set(key, user)
    for (const user of users) {
      const key = userKey(user)
      if ((this.#gone.get(key) ?? 0) < user.at && (next.get(key)?.at ?? 0) <= user.at)
        next.set(key, user)
    }
    const open = new Map(alerts.map((alert) => [alert.id, alert]))
    const kept = new Map<string, MeetingAlert>()
    for (const [id, alert] of before.alerts) {
      // What was resolved while nobody listened is not in the snapshot.
      if (alert.state === 'resolved' || early.alerts.has(id)) kept.set(id, alert)
      else if (!open.has(id)) kept.set(id, { ...alert, state: 'resolved', at: this.#options.now() })
    }
    for (const alert of alerts) if (!early.alerts.has(alert.id)) kept.set(alert.id, alert)
    this.store.setState({ users: next, alerts: latest(kept), live: true })
    this.#draw()
  }

  update(updates: readonly LiveUpdate[]): void {
    const users = new Map(this.store.getState().users)
    for (const update of updates) {
      const key = userKey(update)
      this.#early?.users.add(key)
      const known = users.get(key)?.at ?? this.#gone.get(key) ?? 0
      if (update.at < known) continue
      if ('gone' in update) {
        users.delete(key)
        this.#gone.set(key, update.at)
      } else if (update.at > (this.#gone.get(key) ?? 0)) users.set(key, update)
    }
    this.#forget(updates.at(-1)?.at ?? 0)
    this.store.setState({ users })
    this.#draw()
  }

  alert(changed: readonly MeetingAlert[]): void {
    const alerts = new Map(this.store.getState().alerts)
    for (const alert of changed) {
      this.#early?.alerts.add(alert.id)
      const known = alerts.get(alert.id)
      if (known && alert.at < known.at) continue
      alerts.set(alert.id, alert)
    }
    this.store.setState({ alerts: latest(alerts) })
  }

  /** The server is not heard any more: what there is is shown as old. */
  lost(): void {
    this.store.setState({ live: false })
  }

  /**
   * An alert that opens again has to be acknowledged again.
   *
   * @param seen false: it was a mistake
   */
  acknowledge(id: string, seen = true): void {
    const { alerts, acknowledged } = this.store.getState()
    const alert = alerts.get(id)
    if (!alert) return
    const mark = markOf(alert)
    const others = [...acknowledged].filter((one) => one !== mark)
    const marks = (seen ? [...others, mark] : others).slice(-acknowledgedMax)
    this.#options.acknowledged.keep(marks)
    this.store.setState({ acknowledged: new Set(marks) })
  }

  /** Every two seconds, so that charts go on where nothing changes. */
  tick(): void {
    if (this.store.getState().live) this.#draw()
  }

  #draw(): void {
    const { users, trend } = this.store.getState()
    const point = trendOf([...users.values()], this.#options.now())
    const last = trend.at(-1)
    // Of one second only the last is drawn.
    const before = last && point.at - last.at < 1000 ? trend.slice(0, -1) : trend
    this.store.setState({ trend: [...before.slice(1 - trendMax), point] })
  }

  #forget(at: number): void {
    for (const [key, gone] of this.#gone) if (gone < at - goneMs) this.#gone.delete(key)
  }
}

export function userKey({ meetingId, userId }: { meetingId: string; userId: string }): string {
  return `${meetingId}/${userId}`
}

/** Of one opening of an alert. */
export function markOf({ id, since }: MeetingAlert): string {
  return `${id}@${since}`
}

/** Open ones all; of the resolved the latest. */
function latest(alerts: ReadonlyMap<string, MeetingAlert>): Map<string, MeetingAlert> {
  const open = [...alerts].filter(([, { state }]) => state === 'open')
  const resolved = [...alerts]
    .filter(([, { state }]) => state === 'resolved')
    .sort(([, a], [, b]) => b.at - a.at)
    .slice(0, alertsMax)
  return new Map([...open, ...resolved])
}

/** Upper ends in ms of the rows of the map of round trips; the last has none. */
export const latencyRows = [50, 100, 200, 300, 400, 800] as const

export function trendOf(users: readonly LiveUser[], at: number): TrendPoint {
  const rtts = users.flatMap(({ metrics: { rtt } }) => rtt ?? [])
  const scores = users.flatMap(({ score }) => score ?? [])
  const latency = Array.from({ length: latencyRows.length + 1 }, () => 0)
  for (const rtt of rtts) {
    const found = latencyRows.findIndex((end) => rtt < end)
    const row = found < 0 ? latencyRows.length : found
    latency[row] = (latency[row] ?? 0) + 1
  }
  return {
    at,
    users: users.length,
    relayed: users.filter(({ metrics }) => metrics.relayed > 0).length,
    kbps: users.reduce((sum, { metrics }) => sum + metrics.up + metrics.down, 0),
    rtt: mean(rtts),
    score: mean(scores),
    latency,
    quality: qualityLabels.map((label) => users.filter((one) => one.quality === label).length),
  }
}

const mean = (values: readonly number[]) =>
  values.length === 0 ? null : values.reduce((sum, one) => sum + one, 0) / values.length
