import {
  type FullMetrics,
  type LiveUpdate,
  type LiveUser,
  type MeetingAlert,
  type MetricsDelta,
  meanOpinion,
  type QualityLabel,
  qualityLabel,
  qualityLabels,
  rating,
  type UserMetrics,
  type WebrtcSample,
} from '@parley/protocol'
import type { RoomKey } from '../rooms/room-store.ts'
import { UserAlerts } from './alerts.ts'
import { type Merged, merge } from './merge.ts'

export type UserKey = RoomKey & { participant: string }

/** Somebody whose page reports here. */
type Present = {
  key: UserKey
  name: string
  /** The socket that reports; only its holder says when they are gone. */
  session: string
  merged: Merged
  user: LiveUser
  alerts: UserAlerts
  /** When admins were last told. */
  toldAt: number
  /** The socket is gone since then. */
  lostAt: number | undefined
  minute: Minute
}

/** What the history has been told so far. */
type Minute = {
  since: number
  tx: number
  rx: number
  back: number
  connectedMs: number
  relayedMs: number
  /** Up to when these two are. */
  countedAt: number
}

export type LiveMeetingsOptions = {
  /** Epoch ms. */
  now(): number
  /** Of one participant admins hear at most once in so many ms. */
  throttleMs: number
  /** Somebody whose socket is lost is gone after so many ms; long enough for a reconnection. */
  graceMs: number
  /** Somebody of whom nothing is heard for so many ms is gone. */
  ttlMs: number
  /** Alerts are told at once. */
  onAlerts(tenant: string, alerts: MeetingAlert[]): void
  /** Something is new, or somebody is gone. */
  onChange(key: UserKey, state: LiveState | undefined): void
}

/** All of one participant that another replica, or an admin who comes later, has to know. */
export type LiveState = { user: LiveUser; alerts: readonly MeetingAlert[] }

/** The meetings as the pages of this replica say they are (REQ-G1 to G4). No I/O; time comes from outside. */
export class LiveMeetings {
  readonly #options: LiveMeetingsOptions
  readonly #present = new Map<string, Present>()
  /** Of whom admins have something to hear. */
  readonly #pending = new Set<Present>()
  readonly #gone: { tenant: string; update: LiveUpdate }[] = []
  /** Of those who left, not taken yet. */
  readonly #departed: WebrtcSample[] = []

  constructor(options: LiveMeetingsOptions) {
    this.#options = options
  }

  /**
   * @param before what another replica knew, for somebody who is new here
   * @returns what became of the event; `gap`: a full sample is needed
   */
  take(
    key: UserKey,
    session: string,
    event: FullMetrics | MetricsDelta,
    before?: LiveState,
  ): 'merged' | 'repeated' | 'gap' {
    const name = userName(key)
    const known = this.#present.get(name)
    const mine = known?.session === session ? known : undefined
    // Another socket of the same participant, as after a reconnection, has to begin with all of it.
    const outcome = merge(mine?.merged, event)
    if (outcome.kind !== 'merged') return outcome.kind
    const at = this.#options.now()
    const user = liveUser(key, outcome.now.metrics, at)
    const present = known ?? this.#arrive(key, name, session, outcome.now, user, before)
    countTime(present, at)
    present.session = session
    present.lostAt = undefined
    present.merged = outcome.now
    present.user = user
    if (shrank(present.minute, user.metrics)) startCounters(present.minute, user.metrics)
    const alerts = present.alerts.follow(user)
    if (alerts.length > 0) this.#options.onAlerts(key.tenant, alerts)
    this.#pending.add(present)
    this.#options.onChange(key, { user, alerts: present.alerts.open })
    return 'merged'
  }

  /** The page says that it is over; or a lost socket, which may come back. */
  leave(key: UserKey, session: string, lost: boolean): void {
    const present = this.#present.get(userName(key))
    if (present?.session !== session) return
    if (lost) present.lostAt = this.#options.now()
    else this.#remove(present)
  }

  /** Removes whoever is gone, and says what admins are to be told now, by tenant. */
  due(): Map<string, LiveUpdate[]> {
    const now = this.#options.now()
    const byTenant = new Map<string, LiveUpdate[]>()
    const tell = (tenant: string, update: LiveUpdate) => {
      const updates = byTenant.get(tenant)
      if (updates) updates.push(update)
      else byTenant.set(tenant, [update])
    }
    for (const present of this.#pending) {
      if (now - present.toldAt < this.#options.throttleMs) continue
      this.#pending.delete(present)
      present.toldAt = now
      tell(present.key.tenant, present.user)
    }
    for (const { tenant, update } of this.#gone.splice(0)) tell(tenant, update)
    return byTenant
  }

  /** Those whom {@link LiveMeetings.sweep} would remove. */
  overdue(): UserKey[] {
    return this.#overdue().map(({ key }) => key)
  }

  /** Removes whoever did not come back, or is silent for too long. */
  sweep(): void {
    for (const present of this.#overdue()) this.#remove(present)
  }

  /** Somebody reports to another replica now: nothing is to be said of that. */
  forget(key: UserKey): void {
    const present = this.#present.get(userName(key))
    if (!present) return
    this.#departed.push(...this.#close(present, present.lostAt ?? present.user.at))
    this.#present.delete(present.name)
    this.#pending.delete(present)
  }

  /** The time since the last call, or since they came, of everybody who is or was here. */
  minutes(): WebrtcSample[] {
    const at = this.#options.now()
    const here = [...this.#present.values()].flatMap((present) => this.#close(present, at))
    return [...this.#departed.splice(0), ...here]
  }

  states(tenant: string): LiveState[] {
    return [...this.#present.values()]
      .filter(({ key }) => key.tenant === tenant)
      .map(({ user, alerts }) => ({ user, alerts: alerts.open }))
  }

  users(): { key: UserKey; session: string }[] {
    return [...this.#present.values()]
  }

  /** For figures over all, which shrink with who is here (REQ-G4). */
  totals() {
    const quality = Object.fromEntries(qualityLabels.map((label) => [label, 0])) as Record<
      QualityLabel,
      number
    >
    const alerts = { latency: 0, loss: 0, quality: 0, relay: 0 }
    let relayed = 0
    for (const present of this.#present.values()) {
      quality[present.user.quality]++
      if (present.user.metrics.relayed > 0) relayed++
      for (const { kind } of present.alerts.open) alerts[kind]++
    }
    return { participants: this.#present.size, quality, relayed, alerts }
  }

  #arrive(
    key: UserKey,
    name: string,
    session: string,
    merged: Merged,
    user: LiveUser,
    before: LiveState | undefined,
  ): Present {
    const alerts = new UserAlerts(before?.alerts)
    const minute = {
      since: user.at,
      tx: 0,
      rx: 0,
      back: 0,
      connectedMs: 0,
      relayedMs: 0,
      countedAt: user.at,
    }
    const present: Present = {
      ...{ key, name, session, merged, user, alerts, minute },
      toldAt: Number.NEGATIVE_INFINITY,
      lostAt: undefined,
    }
    startCounters(minute, merged.metrics)
    this.#present.set(name, present)
    return present
  }

  #overdue(): Present[] {
    const { now, graceMs, ttlMs } = this.#options
    const at = now()
    return [...this.#present.values()].filter(
      ({ lostAt, user }) =>
        (lostAt !== undefined && at - lostAt >= graceMs) || at - user.at >= ttlMs,
    )
  }

  #close(present: Present, at: number): WebrtcSample[] {
    countTime(present, at)
    const { key, user, minute } = present
    const { metrics } = user
    const durationMs = at - minute.since
    if (durationMs <= 0) return []
    const { tx, rx, back } = metrics
    present.minute = { since: at, tx, rx, back, connectedMs: 0, relayedMs: 0, countedAt: at }
    return [
      {
        at,
        durationMs,
        tenant: key.tenant,
        room: key.room,
        participant: key.participant,
        bytesSent: (tx - minute.tx) * 1000,
        bytesReceived: (rx - minute.rx) * 1000,
        rttMs: roundTrip(metrics),
        lossPercent: metrics.loss,
        jitterMs: metrics.jitter,
        mos: user.mos,
        quality: user.quality,
        connectedMs: minute.connectedMs,
        relayedMs: minute.relayedMs,
        reconnections: back - minute.back,
      },
    ]
  }

  #remove(present: Present): void {
    const at = this.#options.now()
    const { key, name, alerts } = present
    this.#departed.push(...this.#close(present, at))
    this.#present.delete(name)
    this.#pending.delete(present)
    const resolved = alerts.resolveAll(at)
    if (resolved.length > 0) this.#options.onAlerts(key.tenant, resolved)
    const update = { meetingId: key.room, userId: key.participant, gone: true, at } as const
    this.#gone.push({ tenant: key.tenant, update })
    this.#options.onChange(key, undefined)
  }
}

export function userName({ tenant, room, participant }: UserKey): string {
  return `${tenant}.${room}/${participant}`
}

function liveUser({ room, participant }: UserKey, metrics: UserMetrics, at: number): LiveUser {
  const { rtt, loss, jitter } = metrics
  const quality = { rttMs: rtt, lossPercent: loss, jitterMs: jitter }
  const score = rating(quality)
  return {
    meetingId: room,
    userId: participant,
    metrics,
    quality: qualityLabel(quality),
    mos: score === null ? null : Math.round(meanOpinion(score) * 100) / 100,
    score: score === null ? null : Math.round(score * 10) / 10,
    at,
  }
}

/** By what was last known of it. */
function countTime({ minute, user }: Present, at: number): void {
  const ms = Math.max(0, at - minute.countedAt)
  if (user.metrics.links > 0) minute.connectedMs += ms
  if (user.metrics.relayed > 0) minute.relayedMs += ms
  minute.countedAt = at
}

/** A page that has counted anew. */
function shrank(minute: Minute, { tx, rx, back }: UserMetrics): boolean {
  return tx < minute.tx || rx < minute.rx || back < minute.back
}

function startCounters(minute: Minute, { tx, rx, back }: UserMetrics): void {
  Object.assign(minute, { tx, rx, back })
}

function roundTrip({ rtt, min, max }: UserMetrics): WebrtcSample['rttMs'] {
  return rtt === null ? null : { avg: rtt, min: min ?? rtt, max: max ?? rtt }
}
