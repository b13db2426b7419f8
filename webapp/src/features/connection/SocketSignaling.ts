import type {
  Ack,
  ClientToServerEvents,
  IceServer,
  MediaState,
  RoomMedia,
  RoomSnapshot,
  ServerToClientEvents,
} from '@parley/protocol'
import { Manager, WebSocket as SocketTransport, XHR } from 'socket.io-client'
import { type Clock, systemClock } from '../../clock.ts'
import { joinResponse, protocolError } from '../../protocolShapes.ts'
import { read } from '../../shape.ts'
import { joinRequest, postJoin, takeEarly } from '../call/earlyJoin.ts'
import { joinConsent } from '../recording/joinConsent.ts'
import { signInOfTab } from '../signIn/signInLook.ts'
import { type ClientSocket, connected } from './connected.ts'
import { deviceSecret } from './deviceSecret.ts'
import { takeSocketAhead } from './earlySocket.ts'
import {
  type AnswerOf,
  type Ask,
  type MessageOf,
  type OpenSignaling,
  type RequestJoin,
  type RoomEvent,
  type Signaling,
  SignalingError,
  type SignalingEvents,
} from './Signaling.ts'

const answerTimeoutMs = 5000
/** A network that is back is found within this time. */
const staggerMs = 700
/**
 * At a time. Each asks the network again after 1 and 3 s, so that more would find it no sooner; and a server that is too busy to
 * answer anybody would have to take all of them, from everybody.
 */
const socketsAtOnce = 3
/** A server that hears nothing closes a socket after a ping and its patience with it, 45 s; its client stops asking after 5 s. */
const lateJoinMs = 45_000 + answerTimeoutMs

/** Socket.IO on the page's own origin. It connects only when told: the call's policy decides when. */
export const openSocketSignaling: OpenSignaling = (token, events) =>
  new SocketSignaling(token, events)

type EventName = keyof ServerToClientEvents
/** An event as it came, to be taken later. */
type Arrived = { name: EventName; args: unknown[] }

/** Between tries to reach another server, while the old one still serves: longer with each, and not in step. */
const handOverRetryMs = { first: 500, longest: 8000 }

/** Over the connection that was made before this code was there, where there is one. */
class AheadTransport extends SocketTransport {
  override createSocket(...[url, ...more]: Parameters<SocketTransport['createSocket']>) {
    return takeSocketAhead(url) ?? super.createSocket(url, ...more)
  }
}

/** The connection of one socket. */
const newManager = () =>
  new Manager({
    autoConnect: false,
    reconnection: false,
    // One round trip less than starting with polling, which stays for networks that refuse it.
    transports: [AheadTransport, XHR],
    tryAllTransports: true,
    timeout: answerTimeoutMs,
  })

let prepared: Manager | undefined

/**
 * Has the connection of the next socket made ahead of its token, which the server is being asked for. Where that comes to
 * nothing, the socket, or its next try, makes it again.
 */
export function prepareSocket(): void {
  prepared = newManager()
  prepared.open()
}

/** One that is not connected yet. @param token asked for whenever it connects */
type MakeSocket = (token: () => string) => ClientSocket

const makeOwn: MakeSocket = (token) => {
  const manager = prepared ?? newManager()
  prepared = undefined
  return manager.socket('/', { auth: (give) => give({ token: token() }) })
}

export class SocketSignaling implements Signaling {
  readonly #events: SignalingEvents
  readonly #make: MakeSocket
  #socket: ClientSocket
  /** The newest token: it takes the same seat as the first one, and expires later. */
  #token: string
  #media: MediaState = { audio: false, video: false }
  #closed = false
  #joined = false
  /** Signals of the old socket during a hand-over: the new one may bring them again. */
  #heard: string[] | undefined
  /** Joins that nobody has answered: each may still come to its server, and take the seat from a later socket. */
  readonly #unanswered = new Set<{ readonly socket: ClientSocket; readonly untilMs: number }>()
  readonly #clock: Clock

  constructor(token: string, events: SignalingEvents, make = makeOwn, clock: Clock = systemClock) {
    this.#make = make
    this.#clock = clock
    this.#token = token
    this.#events = events
    this.#socket = this.#open()
    this.#listen(this.#socket)
  }

  #open(): ClientSocket {
    return this.#make(() => this.#token)
  }

  #listen(socket: ClientSocket): void {
    socket.on('disconnect', (reason) => {
      // During a hand-over the server ends the old socket when the new one has the seat.
      if (reason !== 'io client disconnect' && !this.#heard) this.#events.onDisconnect()
    })
    socket.onAny((name: EventName, ...args: unknown[]) => this.#take({ name, args }))
  }

  readonly #handlers: Partial<ServerToClientEvents> = {
    'participant:joined': (participant) => this.#events.onJoined(participant),
    'participant:left': ({ id }) => this.#events.onLeft(id),
    'participant:media': ({ id, media }) => this.#events.onMedia(id, media),
    signal: (message) => {
      this.#heard?.push(JSON.stringify(message))
      this.#events.onSignal(message.from, message.signal)
    },
    'room:media': (way) => this.#events.onMoved(way),
    'lobby:admitted': () => this.#events.onAdmitted(),
    'lobby:denied': () => this.#events.onTurnedAway('denied'),
    removed: () => this.#events.onTurnedAway('removed'),
    'room:ended': () => this.#events.onTurnedAway('ended'),
    'sfu:lost': () => this.#events.onSfuLost(),
    'session:move': ({ resume }) => {
      this.#token = resume
      void this.#handOver()
    },
    'session:replaced': () => {
      // The server ends this socket, and as with any that is lost the token brings the seat back.
      if (this.#heard || this.#replacedByOwn()) return
      this.#events.onReplaced()
    },
  }

  /** Whether a join of this page's own may have come late; each does so once. */
  #replacedByOwn(): boolean {
    for (const join of this.#unanswered) {
      if (join.socket === this.#socket) continue
      this.#unanswered.delete(join)
      if (join.untilMs > this.#clock.now()) return true
    }
    return false
  }

  /** How many joins may still come late to their server, as far as is remembered. */
  get lateJoins(): number {
    return this.#unanswered.size
  }

  /** Asks for the seat. Until {@link #seated} says that it is there, it counts as asked for by this socket. */
  async #takeSeat(socket: ClientSocket, message: MessageOf<'room:join'>): Promise<RoomSnapshot> {
    const now = this.#clock.now()
    for (const join of this.#unanswered) if (join.untilMs <= now) this.#unanswered.delete(join)
    const join = { socket, untilMs: now + lateJoinMs }
    if (socket.connected) this.#unanswered.add(join)
    try {
      return await ask(socket, 'room:join', message)
    } catch (error) {
      if (error instanceof SignalingError && error.code !== 'offline') this.#unanswered.delete(join)
      throw error
    }
  }

  /** All that was asked before over the same socket has come to the server by now. */
  #seated(socket: ClientSocket): void {
    for (const join of this.#unanswered) if (join.socket === socket) this.#unanswered.delete(join)
  }

  #take({ name, args: [message] }: Arrived): void {
    const handler = this.#handlers[name] as ((message: unknown) => void) | undefined
    handler?.(message)
    this.#events.onEvent({ name, message } as RoomEvent)
  }

  /**
   * To another server, while this one still serves: the new socket has the seat before the old one
   * goes, and what comes over both is taken once.
   */
  async #handOver(): Promise<void> {
    if (this.#heard) return
    const old = this.#socket
    const heard: string[] = []
    this.#heard = heard
    // Who has left takes no seat again, and neither does this where the old socket was given up meanwhile.
    const over = () => this.#closed || this.#socket !== old
    for (let retryMs = handOverRetryMs.first; !over() && old.connected; retryMs *= 2) {
      const next = this.#open()
      const early: Arrived[] = []
      next.onAny((name: EventName, ...args: unknown[]) => early.push({ name, args }))
      try {
        await connected(next)
        if (over()) return void next.disconnect()
        const snapshot = await this.#takeSeat(next, { media: this.#media })
        // Whoever it was taken from may hear of it after this answer.
        if (over()) return void next.disconnect()
        this.#seated(next)
        next.offAny()
        this.#socket = next
        this.#listen(next)
        old.removeAllListeners()
        old.offAny()
        old.disconnect()
        this.#heard = undefined
        this.#token = snapshot.resume
        this.#events.onHandedOver(snapshot)
        for (const event of early) if (!wasHeard(heard, event)) this.#take(event)
        return
      } catch {
        next.disconnect()
        const pauseMs = Math.min(retryMs, handOverRetryMs.longest) * (0.5 + Math.random() / 2)
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
    if (over()) return
    this.#heard = undefined
    // The server went before another one was there: as with any socket that is lost.
    this.#events.onDisconnect()
  }

  /**
   * Whoever was connected before and gets no answer opens one socket after the other until one is connected: a
   * network that is back takes a new one at once, while one from before waits for TCP to try again.
   */
  async connect(): Promise<void> {
    if (this.#socket.connected) return
    if (!this.#joined) return connected(this.#socket)
    const sockets = [this.#socket]
    const timer = setInterval(() => {
      if (this.#closed || sockets.length >= socketsAtOnce) return clearInterval(timer)
      const next = this.#open()
      sockets.push(next)
      race.add(next)
    }, staggerMs)
    const race = firstConnected(this.#socket)
    try {
      const winner = await race.first
      if (this.#closed) return void winner.disconnect()
      if (winner === this.#socket) return
      const before = this.#socket
      before.removeAllListeners()
      before.offAny()
      this.#socket = winner
      this.#listen(winner)
    } finally {
      clearInterval(timer)
      for (const socket of sockets) if (socket !== this.#socket) socket.disconnect()
    }
  }

  drop(): void {
    const before = this.#socket
    before.removeAllListeners()
    before.offAny()
    before.disconnect()
    this.#heard = undefined
    this.#socket = this.#open()
    this.#listen(this.#socket)
  }

  readonly ask: Ask = (event, message) => ask(this.#socket, event, message)

  async join(media: MediaState): Promise<RoomSnapshot> {
    this.#media = media
    const agrees = joinConsent.given() && ({ agrees: true } as const)
    const socket = this.#socket
    const snapshot = await this.#takeSeat(socket, { media, ...agrees })
    if (socket === this.#socket) this.#seated(socket)
    joinConsent.give(false)
    this.#joined = true
    this.#token = snapshot.resume
    return snapshot
  }

  async signal(...[to, signal]: Parameters<Signaling['signal']>): Promise<void> {
    await this.ask('signal', { to, signal })
  }

  async mediaState(...[media]: Parameters<Signaling['mediaState']>): Promise<void> {
    this.#media = media
    await this.ask('media:state', media)
  }

  async refreshTurn(): Promise<IceServer[]> {
    const answer = await this.ask('turn:refresh', {})
    this.#token = answer.resume
    return answer.iceServers
  }

  async refreshMedia(): Promise<RoomMedia> {
    const answer = await this.ask('media:refresh', {})
    this.#token = answer.resume
    return answer.media
  }

  async mediaUnreachable(): Promise<RoomMedia> {
    const answer = await this.ask('media:unreachable', {})
    this.#token = answer.resume
    return answer.media
  }

  async report(...[report]: Parameters<Signaling['report']>): Promise<void> {
    await this.ask('link:report', report)
  }

  leave(): void {
    if (this.#socket.connected) this.#socket.emit('room:leave', {}, () => this.close())
    else this.close()
  }

  close(): void {
    this.#closed = true
    // Packets that are on their way out (a leave) still go: the engine drains before it closes.
    this.#socket.disconnect()
  }
}

function ask<E extends keyof ClientToServerEvents>(
  socket: ClientSocket,
  event: E,
  message: MessageOf<E>,
): Promise<AnswerOf<E>> {
  return new Promise((resolve, reject) => {
    if (!socket.connected)
      return reject(new SignalingError('offline', 'the signaling socket is not connected'))
    const timer = setTimeout(
      () => reject(new SignalingError('offline', 'the signaling server does not answer')),
      answerTimeoutMs,
    )
    const answered = (answer: Ack<AnswerOf<E>>) => {
      clearTimeout(timer)
      if (answer.ok) resolve(answer.data)
      else reject(new SignalingError(answer.error.code, answer.error.message))
    }
    // What each event takes is in its own entry, which the union of them cannot say.
    const emit = socket.emit.bind(socket) as (...args: unknown[]) => void
    emit(event, message, answered)
  })
}

/** The first of several sockets that connects. Rejects with the first one that fails. */
function firstConnected(socket: ClientSocket) {
  let add = (_: ClientSocket) => {}
  const first = new Promise<ClientSocket>((resolve, reject) => {
    add = (one) => void connected(one).then(() => resolve(one), reject)
  })
  add(socket)
  return { first, add }
}

/** Takes a signal off the list of those that the old socket brought. */
function wasHeard(heard: string[], { name, args: [message] }: Arrived): boolean {
  const index = name === 'signal' ? heard.indexOf(JSON.stringify(message)) : -1
  if (index >= 0) heard.splice(index, 1)
  return index >= 0
}

/**
 * What the address of the page was opened with: `/r/<room>#invite=…`. One for a single join goes on to let this device
 * in, by a secret that it keeps.
 */
function invitation(): { invite?: string; holder?: string } {
  const invite = new URLSearchParams(location.hash.slice(1)).get('invite')
  if (invite === null) return {}
  return { invite, holder: deviceSecret() }
}

/** `POST /api/rooms/:room/join` on the page's own origin. */
export const requestJoinOverHttp: RequestJoin = async (room, name) => {
  const invited = invitation()
  const signIn = await signInOfTab()
  const identity = (await signIn?.identity()) ?? {}
  const request = joinRequest(room, { name, ...invited, ...identity }, location.hash)
  const response = await (takeEarly(request) ?? postJoin(request)).catch(() => {
    throw new SignalingError('offline', 'the server cannot be reached')
  })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) {
    const answer = read(joinResponse, body)
    const serverEpochMs = Date.parse(response.headers.get('date') ?? '')
    if (answer) return { ...answer, ...(Number.isFinite(serverEpochMs) && { serverEpochMs }) }
    throw new SignalingError('internal', 'the server answered in a form this page does not know')
  }
  const refused = read(protocolError, body)
  if (refused) {
    const { code, message } = refused
    // A sign-in, and nothing else, was shown, and not taken.
    const unknown = code === 'unauthenticated' || code === 'token-expired'
    if (!unknown || !signIn || !identity.idToken || invited.invite !== undefined)
      throw new SignalingError(code, message)
    throw new SignalingError(signIn.refused() ? 'sign-in-needed' : 'sign-in-refused', message)
  }
  // A proxy answers for a server that is away.
  throw new SignalingError(response.status >= 502 ? 'offline' : 'internal', response.statusText)
}
