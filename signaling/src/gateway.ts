import {
  type Ack,
  type ClientToServerEvents,
  linkReportSchema,
  mediaStateSchema,
  type Participant,
  type RoomMedia,
  roomJoinSchema,
  type ServerToClientEvents,
  signalToSchema,
} from '@parley/protocol'
import type { Logger } from 'pino'
import type { DefaultEventsMap, Server, Socket } from 'socket.io'
import { z } from 'zod'
import type { Clock } from './clock.ts'
import { SignalingError } from './errors.ts'
import type { JoinClaims } from './join-token.ts'
import type { Metrics } from './metrics.ts'
import type { RateLimit } from './rate-limit.ts'
import type { LinkReports } from './reasons/link-reports.ts'
import { type RoomKey, type RoomStore, roomName, type Seat } from './rooms/room-store.ts'
import { type SfuAccess, sfuNotReady } from './sfu.ts'
import { sfuDoor } from './sfu-door.ts'
import type { TurnAccess } from './turn.ts'

/** After this part of a lease without a renewal clients are asked to move, within this part of it. */
const movePart = 0.6
const moveSpreadPart = 0.1

type SocketData = { claims: JoinClaims }
export type MeetingServer = Server<
  ClientToServerEvents,
  ServerToClientEvents,
  DefaultEventsMap,
  SocketData
>
type MeetingSocket = Socket<
  ClientToServerEvents,
  ServerToClientEvents,
  DefaultEventsMap,
  SocketData
>

export type GatewayDeps = {
  io: MeetingServer
  rooms: RoomStore
  turn: TurnAccess
  sfu: SfuAccess
  linkReports: LinkReports
  limit: RateLimit
  metrics: () => Metrics
  clock: Clock
  log: Logger
  /** @throws {SignalingError} `unauthenticated` */
  verifyToken(token: unknown): Promise<JoinClaims>
  signToken(claims: JoinClaims): Promise<string>
  /** The default tenant. */
  tenant: string
  meshMax: number
  /** Seats of a room on the SFU. */
  roomMax: number
  graceMs: number
  /** How long a seat lives that its replica does not renew. */
  leaseMs: number
  /** How long somebody may be on the SFU without a seat: a signaling that restarts ends no call. */
  absentMs: number
  /** 0 ≤ random() < 1 */
  random: () => number
}

export type Gateway = {
  /** Participants whose sockets are here, by room. */
  participantsByRoom(): Map<string, number>
  /** Sockets that are connected here. */
  sockets(): number
  /**
   * Rooms by the share of their people who are here: over all replicas they sum to the rooms there are.
   * @throws {SignalingError} `unavailable`
   */
  roomShares(): Promise<number>
  /**
   * Renews the seats held here at once, and tells rooms of what came back or went. A replica that could not
   * for so long that its seats are about to run out asks its clients to move to another one, which may reach
   * the store: they keep their socket here until one has taken them, so an outage for all ends nothing.
   * @returns false where no seat could be renewed
   */
  heartbeat(): Promise<boolean>
  /**
   * Asks every client to move to another replica, one after the other over `spreadMs`.
   * Resolves when all are gone, or after `deadlineMs`.
   */
  handOver(spreadMs: number, deadlineMs: number): Promise<void>
  /** Settles what sockets that are gone have left to do. To be called after they are closed. */
  drain(): Promise<void>
}

/** What a seat of this process needs to be announced, renewed and given up. */
type LocalSeat = Seat & {
  key: RoomKey
  socket: MeetingSocket
  /** The client has been given a token for the SFU. */
  sfu: boolean
  /** The client has been asked to move, as its seat could not be renewed. */
  askedToMove?: boolean
}

type Answer<E extends keyof ClientToServerEvents> =
  Parameters<Parameters<ClientToServerEvents[E]>[1]>[0] extends Ack<infer T> ? T : never
type Handlers = {
  [E in keyof ClientToServerEvents]: {
    schema: z.ZodType<Parameters<ClientToServerEvents[E]>[0]>
    handle(
      socket: MeetingSocket,
      message: Parameters<ClientToServerEvents[E]>[0],
    ): Promise<Answer<E>>
  }
}

/** Serves meetings over Socket.IO: admission, seats, and signals from peer to peer. */
export function serveMeetings(deps: GatewayDeps): Gateway {
  const { io, rooms, turn, clock, log } = deps
  /** By socket id, which is the seat's session. */
  const seats = new Map<string, LocalSeat>()
  const pending = new Set<Promise<void>>()
  const timers = new Set<() => void>()
  /** When a seat of this replica was last renewed, or there was none. */
  let renewedAt = clock.now()
  const door = sfuDoor({ sfu: deps.sfu, rooms, absentMs: deps.absentMs, now: clock.now, log })

  const handlers: Handlers = {
    'room:join': {
      schema: roomJoinSchema,
      async handle(socket, { media }) {
        const { metrics } = deps
        metrics().joinAttempted()
        const { participant: id, name, tenant, room, sfu = false } = socket.data.claims
        const key = { tenant, room }
        const total = limitOf()
        const iceServers = turn.iceServers({ ...key, participant: id })
        const participant: Participant = { id, name, media, joinedAt: clock.now() }
        // In the Socket.IO room first: whoever joins after the snapshot is taken is announced here.
        await socket.join([channel(key), peerChannel(key, id)])
        const outcome = await rooms
          .join(
            key,
            { participant, session: socket.id },
            { total, mesh: deps.meshMax, sfu: sfu && deps.sfu.engine !== 'None' },
          )
          .catch(async (refused) => {
            await leaveChannels(socket, key, id)
            throw refused
          })
        announceLeft(key, outcome.expired)
        if (outcome.kind === 'full') {
          await leaveChannels(socket, key, id)
          throw roomFull(total)
        }
        const seat: LocalSeat = {
          key,
          socket,
          participant: outcome.self,
          session: socket.id,
          sfu: outcome.sfu,
        }
        seats.set(socket.id, seat)
        if (outcome.replaced) replace(outcome.replaced)
        // Before they hear of the newcomer, whom they need not try to reach directly then.
        if (outcome.moved) {
          log.info({ ...key }, 'room moved to the SFU')
          socket.to(channel(key)).emit('room:media', { mode: 'sfu' })
        }
        if (!outcome.returned) socket.to(channel(key)).emit('participant:joined', outcome.self)
        else socket.to(channel(key)).emit('participant:media', { id, media })
        metrics().joinSucceeded()
        log.info({ ...key, participant: id, returned: outcome.returned }, 'participant joined')
        return {
          self: id,
          room: key.room,
          participants: outcome.participants,
          iceServers,
          maxParticipants: total,
          media: await mediaOf(seat),
          resume: await resumeToken(seat),
        }
      },
    },

    'room:leave': {
      schema: z.strictObject({}),
      async handle(socket) {
        const seat = seatOf(socket)
        const { key, participant } = seat
        seats.delete(socket.id)
        await leaveChannels(socket, key, participant.id)
        if (await rooms.leave(key, participant.id, seat.session)) {
          announceLeft(key, [participant.id])
          if (seat.sfu) remember(door.dismiss(key, participant.id))
        }
        log.info({ ...key, participant: participant.id }, 'participant left')
        return null
      },
    },

    signal: {
      schema: signalToSchema,
      async handle(socket, { to, signal }) {
        const { key, participant } = seatOf(socket)
        const peer = peerChannel(key, to)
        const here = await findHere(key, to)
        // As a rule by the way of every other event, to stay in order with them. While Redis is
        // away that way waits for it, so peers on this replica are then reached directly.
        const target = here && !rooms.reachable() ? io.local.to(peer) : io.to(peer)
        target.emit('signal', { from: participant.id, signal })
        return null
      },
    },

    'link:report': {
      schema: linkReportSchema,
      async handle(socket, report) {
        const { key, participant, sfu } = seatOf(socket)
        if (report.peer === participant.id)
          throw new SignalingError('invalid', 'link:report: peer: nobody has a link to themselves')
        // Of a link that is over the other end may be gone.
        if (report.peer !== null && !report.ended) await findHere(key, report.peer)
        // Whether the room is on the SFU is not for one page to say: it decides what a tenant is charged.
        if (!report.ended && sfu !== (report.peer === null)) return null
        await deps.linkReports.take({ ...key, participant: participant.id }, report)
        return null
      },
    },

    'media:state': {
      schema: mediaStateSchema,
      async handle(socket, media) {
        const seat = seatOf(socket)
        const { id } = seat.participant
        if (!(await rooms.setMedia(seat.key, id, seat.session, media))) throw notJoined()
        seat.participant = { ...seat.participant, media }
        socket.to(channel(seat.key)).emit('participant:media', { id, media })
        return null
      },
    },

    'turn:refresh': {
      schema: z.strictObject({}),
      async handle(socket) {
        const seat = seatOf(socket)
        const iceServers = turn.iceServers({ ...seat.key, participant: seat.participant.id })
        return { iceServers, resume: await resumeToken(seat) }
      },
    },

    'media:refresh': {
      schema: z.strictObject({}),
      async handle(socket) {
        const seat = seatOf(socket)
        // Another replica may have moved the room.
        seat.sfu ||= (await rooms.occupancy(seat.key)).sfu
        return { media: await mediaOf(seat), resume: await resumeToken(seat) }
      },
    },
  }
  /** A Map, so that `constructor` or `__proto__` is a name like any other: an unknown one. */
  const byEvent = new Map(Object.entries(handlers))

  io.use((socket, next) => {
    deps.verifyToken(socket.handshake.auth.token).then(
      (claims) => {
        socket.data.claims = claims
        next()
      },
      (error) => next(handshakeError(error, log)),
    )
  })

  io.on('connection', (socket) => {
    // One message after the other, so that signals arrive in the order in which they were sent.
    let turnOf: Promise<void> = Promise.resolve()
    const enqueue = (task: () => Promise<void>) => {
      turnOf = turnOf.then(task)
      remember(turnOf)
    }

    socket.onAny((event: string, ...args: unknown[]) => {
      const last = args.at(-1)
      const ack = typeof last === 'function' ? (last as (answer: Ack<unknown>) => void) : () => {}
      const messages = typeof last === 'function' ? args.slice(0, -1) : args
      deps.limit.take(socket.id).then(
        () => enqueue(async () => ack(await answer(socket, event, messages))),
        (error) => ack({ ok: false, error: toError(error, log) }),
      )
    })

    socket.on('disconnect', () => enqueue(() => detach(socket)))
  })

  async function answer(
    socket: MeetingSocket,
    event: string,
    messages: unknown[],
  ): Promise<Ack<unknown>> {
    try {
      const handler = byEvent.get(event)
      if (!handler) throw new SignalingError('invalid', 'no such event; see the protocol')
      if (messages.length !== 1)
        throw new SignalingError('invalid', `${event} takes one message; it got ${messages.length}`)
      const parsed = handler.schema.safeParse(messages[0])
      if (!parsed.success) throw new SignalingError('invalid', firstIssue(event, parsed.error))
      // The schema and the handler come from the same entry, which the union of them cannot say.
      return { ok: true, data: await handler.handle(socket, parsed.data as never) }
    } catch (error) {
      return { ok: false, error: toError(error, log) }
    }
  }

  /**
   * @returns whether the participant's socket is of this replica
   * @throws {SignalingError} `not-found` where nobody of that id is in the room
   */
  async function findHere(key: RoomKey, id: string): Promise<boolean> {
    if (io.sockets.adapter.rooms.has(peerChannel(key, id))) return true
    if (await rooms.has(key, id)) return false
    throw new SignalingError('not-found', 'that participant is not in the room')
  }

  function seatOf(socket: MeetingSocket): LocalSeat {
    const seat = seats.get(socket.id)
    if (!seat) throw notJoined()
    return seat
  }

  /** Without a key for the SFU yet a room holds a mesh; whoever is too many is told to wait. */
  function limitOf(): number {
    return deps.sfu.ready() ? deps.roomMax : deps.meshMax
  }

  function roomFull(total: number): SignalingError {
    if (deps.sfu.engine !== 'None' && !deps.sfu.ready()) return sfuNotReady()
    return new SignalingError('room-full', `the room holds ${total} people; it is full`)
  }

  async function mediaOf({ key, participant, sfu }: LocalSeat): Promise<RoomMedia> {
    if (!sfu) return { mode: 'mesh' }
    await door.seenOut(key, participant.id)
    return deps.sfu.media({ ...key, participant: participant.id, name: participant.name })
  }

  function resumeToken({ key, participant: { id, name }, sfu }: LocalSeat): Promise<string> {
    return deps.signToken({ ...key, participant: id, name, sfu: sfu || undefined })
  }

  function announceLeft(key: RoomKey, ids: readonly string[]) {
    for (const id of ids) io.to(channel(key)).emit('participant:left', { id })
  }

  /** Work that {@link Gateway.drain} waits for. */
  function remember(done: Promise<void>) {
    pending.add(done)
    done.finally(() => pending.delete(done))
  }

  /** Ends a socket whose seat another one has taken, on whichever replica it is. */
  function replace(session: string) {
    seats.delete(session)
    const here = io.sockets.sockets.get(session)
    if (here) {
      here.emit('session:replaced')
      here.disconnect(true)
      return
    }
    io.to(session).emit('session:replaced')
    io.in(session).disconnectSockets(true)
  }

  async function detach(socket: MeetingSocket) {
    const seat = seats.get(socket.id)
    if (!seat) return
    seats.delete(socket.id)
    const { key, participant, session } = seat
    try {
      if (!(await rooms.detach(key, participant.id, session, deps.graceMs))) return
      log.info({ ...key, participant: participant.id }, 'participant disconnected')
    } catch (error) {
      // The store is away: the lease runs out by itself, and whoever renews next sweeps it.
      log.warn(
        { ...key, participant: participant.id, code: toError(error, log).code },
        'seat not detached',
      )
    }
    later(deps.graceMs, () => void sweep(key))
  }

  /** What {@link Gateway.drain} need not wait for. */
  function later(delayMs: number, task: () => void) {
    const cancel = clock.after(delayMs, () => {
      timers.delete(cancel)
      task()
    })
    timers.add(cancel)
  }

  async function sweep(key: RoomKey) {
    try {
      announceLeft(key, await rooms.sweep(key))
    } catch (error) {
      log.warn({ ...key, code: toError(error, log).code }, 'room not swept')
    }
  }

  function seatsByRoom(): Map<string, LocalSeat[]> {
    return Map.groupBy(seats.values(), ({ key }) => roomName(key))
  }

  /** The room's id; that of another tenant than the default one with its tenant before it. */
  function label(key: RoomKey | undefined): string {
    if (!key) return ''
    return key.tenant === deps.tenant ? key.room : roomName(key)
  }

  /** @returns whether it could be */
  async function renew(here: LocalSeat[]): Promise<boolean> {
    const key = here[0]?.key
    if (!key) return true
    let onSfu = false
    try {
      const known = here.some((seat) => seat.sfu)
      const { restored, lost, sfu } = await rooms.renew(key, here, known)
      onSfu = sfu
      // Whoever has missed it is told again.
      if (sfu)
        for (const seat of here)
          if (!seat.sfu) io.local.to(seat.session).emit('room:media', { mode: 'sfu' })
      for (const id of restored) {
        const seat = here.find(({ participant }) => participant.id === id)
        if (seat)
          io.to(channel(key)).except(seat.session).emit('participant:joined', seat.participant)
      }
      for (const session of lost) replace(session)
    } catch (error) {
      log.warn({ ...key, code: toError(error, log).code }, 'seats not renewed')
      return false
    }
    for (const seat of here) seat.askedToMove = false
    await sweep(key)
    if (onSfu)
      remember(
        door.look(
          key,
          here.map(({ participant }) => participant.id),
        ),
      )
    return true
  }

  async function shareOf(here: LocalSeat[]): Promise<number> {
    const key = here[0]?.key
    if (!key) return 0
    const { seats: everywhere } = await rooms.occupancy(key)
    return here.length / Math.max(here.length, everywhere)
  }

  async function heartbeat() {
    const here = seatsByRoom()
    door.keep(new Set(here.keys()))
    const renewed = await Promise.all([...here.values()].map(renew))
    const alive = renewed.length === 0 || renewed.includes(true)
    if (alive) renewedAt = clock.now()
    else if (clock.now() - renewedAt >= deps.leaseMs * movePart) sendElsewhere()
    return alive
  }

  /** Whoever is seated here moves, one after the other, while their seats still stand. */
  function sendElsewhere() {
    const here = [...seats.values()].filter(({ askedToMove }) => !askedToMove)
    if (here.length > 0) log.warn({ sockets: here.length }, 'seats cannot be kept: asked to move')
    for (const seat of here) {
      seat.askedToMove = true
      later(deps.random() * deps.leaseMs * moveSpreadPart, () => {
        if (seat.askedToMove) void tellToMove(seat.socket)
      })
    }
  }

  async function handOver(spreadMs: number, deadlineMs: number) {
    const all = [...io.sockets.sockets.values()]
    if (all.length === 0) return
    log.info({ sockets: all.length }, 'handing sockets over')
    await new Promise<void>((resolve) => {
      const cancels = all.map((socket) =>
        clock.after(deps.random() * spreadMs, () => void tellToMove(socket)),
      )
      const end = () => {
        for (const cancel of [...cancels, deadline]) cancel()
        resolve()
      }
      const deadline = clock.after(deadlineMs, end)
      const gone = () => {
        if (io.sockets.sockets.size === 0) end()
      }
      for (const socket of all) socket.once('disconnect', () => queueMicrotask(gone))
    })
  }

  async function tellToMove(socket: MeetingSocket) {
    const seat = seats.get(socket.id)
    // Connected and not seated: about to join, which it does anew elsewhere.
    if (!seat) return void socket.disconnect(true)
    try {
      socket.emit('session:move', { resume: await resumeToken(seat) })
    } catch (error) {
      log.warn({ code: toError(error, log).code }, 'socket not handed over')
    }
  }

  return {
    sockets: () => io.sockets.sockets.size,
    async roomShares() {
      const shares = await Promise.all([...seatsByRoom().values()].map(shareOf))
      return shares.reduce((sum, share) => sum + share, 0)
    },
    handOver,
    participantsByRoom: () =>
      new Map([...seatsByRoom().values()].map((here) => [label(here[0]?.key), here.length])),
    heartbeat,
    async drain() {
      while (pending.size > 0) await Promise.all(pending)
      for (const cancel of timers) cancel()
    },
  }
}

function channel(key: RoomKey): string {
  return `room:${roomName(key)}`
}

function peerChannel(key: RoomKey, id: string): string {
  return `peer:${roomName(key)}.${id}`
}

async function leaveChannels(socket: MeetingSocket, key: RoomKey, id: string) {
  await socket.leave(channel(key))
  await socket.leave(peerChannel(key, id))
}

function notJoined(): SignalingError {
  return new SignalingError('not-joined', 'send room:join first')
}

/** One issue is enough to mend a message, and it keeps the answer small whatever was sent. */
function firstIssue(event: string, error: z.ZodError): string {
  const issue = error.issues[0]
  const place = issue?.path.length ? `${issue.path.join('.')}: ` : ''
  return `${event}: ${place}${issue?.message ?? 'malformed'}`.slice(0, 200)
}

/** What a client is told; what only the server may know goes to its log under a common id. */
function toError(error: unknown, log: Logger) {
  if (error instanceof SignalingError) return error.toJSON()
  const id = crypto.randomUUID()
  log.error({ err: error, id }, 'request failed')
  return { code: 'internal' as const, message: `the server failed; its log has it as ${id}` }
}

/** Socket.IO hands `data` of a middleware's error to the client's `connect_error`. */
function handshakeError(error: unknown, log: Logger): Error {
  const data = toError(error, log)
  return Object.assign(new Error(data.code), { data })
}
