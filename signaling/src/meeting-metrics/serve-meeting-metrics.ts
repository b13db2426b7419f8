import type { IncomingMessage } from 'node:http'
import {
  type Ack,
  type AdminHistory,
  adminAskHistorySchema,
  adminSubscribeSchema,
  type LiveSnapshot,
  type MetricsClientEvents,
  type MetricsServerEvents,
  meetingMetricsSchema,
  metricsNamespace,
  packedMetricsVersion,
  unpackMetrics,
  type WebrtcSample,
} from '@parley/protocol'
import type { Logger } from 'pino'
import type { DefaultEventsMap, Namespace, Socket } from 'socket.io'
import type { z } from 'zod'
import type { AdminClaims } from '../access/admin-token.ts'
import type { Clock } from '../clock.ts'
import { SignalingError } from '../errors.ts'
import { firstIssue, handshakeError, toError } from '../gateway/refusals.ts'
import type { MeetingServer } from '../gateway/types.ts'
import type { JoinClaims } from '../join-token.ts'
import { type RoomStore, roomName } from '../rooms/room-store.ts'
import type { ClientMetrics } from './client-metrics.ts'
import type { Feed, FeedMessage } from './feed.ts'
import type { LastHour } from './last-hour.ts'
import { LiveMeetings, type LiveState, type UserKey } from './live-meetings.ts'
import type { LiveStore } from './live-store.ts'
import { TokenBucket } from './token-bucket.ts'

export type MeetingMetricsDeps = {
  io: MeetingServer
  rooms: Pick<RoomStore, 'has' | 'seated'>
  /** Without it the meetings are those of this replica alone. */
  store: LiveStore | undefined
  feed(onMessage: (message: FeedMessage) => void): Feed
  metrics: ClientMetrics
  clock: Clock
  log: Logger
  /**
   * Whoever opens a socket, by the token that they show: that of a seat, or of an admin without one.
   * @throws {SignalingError} `unauthenticated`, `token-expired`, `rate-limited`
   */
  admit(request: IncomingMessage, token: unknown): Promise<Visitor>
  /** Whether anybody is an admin. */
  adminEnabled: boolean
  lastHour: LastHour
  throttleMs: number
  ttlMs: number
  /** Sustained rate of one socket; twenty times that in a burst. */
  eventsPerSecond: number
  /** A minute of everybody, once a minute. */
  history(samples: WebrtcSample[]): void
}

export type MeetingMetricsGateway = {
  /** Participants whose pages report here. */
  readonly live: LiveMeetings
  close(): Promise<void>
}

/** Who opened a socket. */
export type Visitor = { seat: JoinClaims } | { admin: AdminClaims }

type SocketData = { visitor: Visitor }
type MetricsSocket = Socket<MetricsClientEvents, MetricsServerEvents, DefaultEventsMap, SocketData>
type MetricsNamespace = Namespace<
  MetricsClientEvents,
  MetricsServerEvents,
  DefaultEventsMap,
  SocketData
>

/** A page sends fewer than ten events a minute; after a reconnection a few at once. */
const burstSeconds = 20
/** A full sample is asked for at most this often. */
const askAgainMs = 2000
const feedMs = 250
const flushMs = 1000
const sweepMs = 5000
const minuteMs = 60_000
/** A reconnection with its pauses takes less. */
const graceMs = 15_000

const adminRoom = (tenant: string) => `admins:${tenant}`

/** Serves `/meeting-metrics`: what pages say of their calls, merged and passed on to admins (REQ-G1 to G5). */
export function serveMeetingMetrics(deps: MeetingMetricsDeps): MeetingMetricsGateway {
  const { rooms, store, metrics, clock, log, throttleMs, ttlMs, eventsPerSecond } = deps
  const namespace = deps.io.of(metricsNamespace) as unknown as MetricsNamespace
  const feed = deps.feed(tellHere)
  const live = new LiveMeetings({
    ...{ now: clock.now, throttleMs, graceMs, ttlMs },
    onAlerts: (tenant, alerts) => tell({ tenant, alerts }),
    onChange: (key, state) => store?.put(key, state),
  })
  metrics.watch(() => ({ ...live.totals(), waiting: store?.waiting() ?? 0 }))

  function tellHere(message: FeedMessage) {
    const admins = namespace.local.to(adminRoom(message.tenant))
    if ('alerts' in message) admins.emit('meeting:alerts', { alerts: message.alerts })
    else admins.emit('meeting:metrics:update', { updates: message.updates })
  }
  function tell(message: FeedMessage) {
    tellHere(message)
    feed.publish(message)
  }

  async function snapshot(tenant: string): Promise<LiveSnapshot> {
    // Redis is a second behind, and may be away: what is known here counts.
    const states = new Map<string, LiveState>()
    const stored = await store?.states(tenant).catch(() => [])
    for (const state of [...(stored ?? []), ...live.states(tenant)])
      states.set(`${state.user.meetingId}/${state.user.userId}`, state)
    const all = [...states.values()]
    return { users: all.map(({ user }) => user), alerts: all.flatMap(({ alerts }) => alerts) }
  }

  async function authenticate(socket: MetricsSocket) {
    socket.data.visitor = await deps.admit(socket.request, socket.handshake.auth.token)
  }

  /** @throws {SignalingError} `not-joined`, or `unavailable` */
  async function mustBeSeated(key: UserKey) {
    if (await rooms.has(key, key.participant)) return
    throw new SignalingError('not-joined', 'you have no seat in that room; send room:join first')
  }

  function serve(socket: MetricsSocket) {
    const { visitor } = socket.data
    const bucket = new TokenBucket(eventsPerSecond, eventsPerSecond * burstSeconds, clock.now())
    const spend = () => {
      if (!bucket.take(clock.now()))
        throw new SignalingError('rate-limited', 'too many events; send one in ten seconds')
    }
    const refuse = (error: unknown, ack: unknown) => {
      const refusal = toError(error, log)
      metrics.refused(refusal.code)
      answer(ack, { ok: false, error: refusal })
    }
    serveAdmin(socket, spend, refuse)
    if ('seat' in visitor) return serveSeat(socket, visitor.seat, spend, refuse)
    socket.on('meeting:metrics', (_message: unknown, ack: unknown) =>
      refuse(new SignalingError('not-joined', 'an admin token is no seat; join a room first'), ack),
    )
    // Whoever is an admin no more sees nothing more; the page comes back with a new token.
    const left = visitor.admin.expiresAtMs - clock.now()
    socket.on(
      'disconnect',
      clock.after(Math.max(0, left), () => socket.disconnect()),
    )
  }

  function serveSeat(
    socket: MetricsSocket,
    { tenant, room, participant }: JoinClaims,
    spend: () => void,
    refuse: (error: unknown, ack: unknown) => void,
  ) {
    const key: UserKey = { tenant, room, participant }
    let entry: 'none' | 'asking' | 'in' = 'none'
    let askedAt = Number.NEGATIVE_INFINITY

    /** Whoever is not seated here has nothing to say. What was known of them elsewhere goes on. */
    const enter = async (): Promise<LiveState | undefined> => {
      await mustBeSeated(key)
      return store?.claim(key).catch(() => undefined)
    }

    const take = (message: unknown): Promise<void> | undefined => {
      spend()
      const parsed = meetingMetricsSchema.safeParse(unpacked(message))
      if (!parsed.success)
        throw new SignalingError('invalid', firstIssue('meeting:metrics', parsed.error))
      const { meetingId = room, userId = participant, metrics: event } = parsed.data
      if (meetingId !== room)
        throw new SignalingError('forbidden', 'you are not in that meeting; join it first')
      if (userId !== participant)
        throw new SignalingError('forbidden', 'you can only report of yourself')
      if (entry === 'in') return void merged(event, undefined)
      if (entry === 'asking' || !('full' in event)) return void askForAll()
      entry = 'asking'
      return enter().then(
        (before) => {
          if (!socket.connected) return
          entry = 'in'
          merged(event, before)
        },
        (error) => {
          entry = 'none'
          throw error
        },
      )
    }

    const merged = (event: Parameters<LiveMeetings['take']>[2], before: LiveState | undefined) => {
      const outcome = live.take(key, socket.id, event, before)
      metrics.took(outcome)
      if (outcome === 'gap') askForAll()
    }

    const askForAll = () => {
      if (clock.now() - askedAt < askAgainMs) return
      askedAt = clock.now()
      socket.emit('meeting:metrics:full')
    }

    socket.on('meeting:metrics', (message: unknown, ack: unknown) => {
      try {
        const entering = take(message)
        if (!entering) return answer(ack, { ok: true, data: null })
        entering.then(
          () => answer(ack, { ok: true, data: null }),
          (error) => refuse(error, ack),
        )
      } catch (error) {
        refuse(error, ack)
      }
    })

    // By each connection: the page may come from another replica, of another version.
    socket.emit('meeting:metrics:reads', { version: packedMetricsVersion })
    socket.on('disconnect', (reason) => {
      live.leave(key, socket.id, reason !== 'client namespace disconnect')
    })
  }

  /** What only admins may ask: their tenant is that of the token, and of no other they hear. */
  function serveAdmin(
    socket: MetricsSocket,
    spend: () => void,
    refuse: (error: unknown, ack: unknown) => void,
  ) {
    const { visitor } = socket.data
    const { tenant } = 'seat' in visitor ? visitor.seat : visitor.admin
    const asked = <T>(schema: z.ZodType<T>, event: string, message: unknown): T => {
      spend()
      if (!deps.adminEnabled) throw new SignalingError('not-found', 'the admin page is turned off')
      if ('seat' in visitor && visitor.seat.role !== 'admin')
        throw new SignalingError('forbidden', 'only admins see all meetings; sign in as one')
      const parsed = schema.safeParse(message)
      if (parsed.success) return parsed.data
      throw new SignalingError('invalid', firstIssue(event, parsed.error))
    }

    const subscribe = async (message: unknown): Promise<LiveSnapshot> => {
      asked(adminSubscribeSchema, 'admin:subscribe', message)
      await socket.join(adminRoom(tenant))
      // What changes after the snapshot is heard.
      await feed.listen()
      return snapshot(tenant)
    }
    const history = async (message: unknown): Promise<AdminHistory> => {
      const { meetingId: room, userId: participant } = asked(
        adminAskHistorySchema,
        'admin:history',
        message,
      )
      return deps.lastHour.read({ tenant, room, participant }).catch((cause) => {
        throw new SignalingError('unavailable', 'Redis is away; try again shortly', { cause })
      })
    }
    const tell = (made: Promise<LiveSnapshot | AdminHistory>, ack: unknown) => {
      made.then(
        (data) => answer(ack, { ok: true, data }),
        (error) => refuse(error, ack),
      )
    }
    socket.on('admin:subscribe', (message: unknown, ack: unknown) => tell(subscribe(message), ack))
    socket.on('admin:history', (message: unknown, ack: unknown) => tell(history(message), ack))
  }

  namespace.use((socket, next) => {
    authenticate(socket).then(
      () => next(),
      (error) => next(handshakeError(error, log)),
    )
  })
  namespace.on('connection', serve)

  /** Whoever was shown out of a room is none of its participants any more, whatever their page says. */
  async function showOut() {
    const byRoom = Map.groupBy(live.users(), ({ key }) => roomName(key))
    for (const here of byRoom.values()) {
      const key = here[0]?.key
      const seated = key && (await rooms.seated(key).catch(() => undefined))
      // Not known is not nobody, who is what a meeting that was ended leaves.
      if (!seated) continue
      for (const { key, session } of here) {
        if (seated.includes(key.participant)) continue
        live.leave(key, session, false)
        namespace.sockets.get(session)?.disconnect()
      }
    }
  }

  /** A failure is said, and the next time comes nevertheless. */
  const repeat = (ms: number, run: () => unknown) =>
    every(clock, ms, async () => {
      try {
        await run()
      } catch (error) {
        log.error({ err: error }, 'metrics of calls')
      }
    })
  const stops = [
    repeat(feedMs, () => {
      for (const [tenant, updates] of live.due()) tell({ tenant, updates })
    }),
    repeat(flushMs, () => store?.flush()),
    repeat(sweepMs, async () => {
      for (const key of store ? live.overdue() : []) if (await store?.taken(key)) live.forget(key)
      live.sweep()
      const at = clock.now()
      for (const { tenant, room, participant } of (await store?.expired().catch(() => [])) ?? [])
        tell({ tenant, updates: [{ meetingId: room, userId: participant, gone: true, at }] })
    }),
    repeat(minuteMs, async () => {
      minute()
      await showOut()
    }),
  ]

  function minute() {
    const samples = live.minutes()
    metrics.minute(samples)
    if (samples.length === 0) return
    deps.history(samples)
    deps.lastHour.addMinutes(samples)
  }

  return {
    live,
    async close() {
      for (const stop of stops) stop()
      minute()
      await store?.flush()
      feed.close()
    },
  }
}

/** The next time after `run` has ended, so that a slow one is not overtaken by itself. */
function every(clock: Clock, ms: number, run: () => Promise<unknown>): () => void {
  let stopped = false
  let cancel = () => {}
  const next = () => {
    cancel = clock.after(ms, () => {
      run().finally(() => {
        if (!stopped) next()
      })
    })
  }
  next()
  return () => {
    stopped = true
    cancel()
  }
}

/** A packed delta as any other, to be checked as any other. */
function unpacked(message: unknown): unknown {
  const { metrics } = (message ?? {}) as { metrics?: unknown }
  if (!Array.isArray(metrics)) return message
  return { ...(message as object), metrics: unpackMetrics(metrics) }
}

function answer<T>(ack: unknown, said: Ack<T>): void {
  if (typeof ack === 'function') ack(said)
}
