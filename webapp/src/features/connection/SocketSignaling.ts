import {
  type Ack,
  type ClientToServerEvents,
  joinResponseSchema,
  protocolErrorSchema,
  type ServerToClientEvents,
} from '@parley/protocol'
import { io, type Socket } from 'socket.io-client'
import {
  type OpenSignaling,
  type RequestJoin,
  type Signaling,
  SignalingError,
  type SignalingEvents,
} from './Signaling.ts'

const answerTimeoutMs = 5000

/** Socket.IO on the page's own origin. It connects only when told: the call's policy decides when. */
export const openSocketSignaling: OpenSignaling = (token, events) =>
  new SocketSignaling(token, events)

class SocketSignaling implements Signaling {
  readonly #socket: Socket<ServerToClientEvents, ClientToServerEvents>

  constructor(token: string, events: SignalingEvents) {
    this.#socket = io({
      auth: { token },
      autoConnect: false,
      reconnection: false,
      // One round trip less than starting with polling, which stays for networks that refuse it.
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      timeout: answerTimeoutMs,
    })
    this.#socket.on('disconnect', (reason) => {
      if (reason !== 'io client disconnect') events.onDisconnect()
    })
    this.#socket.on('participant:joined', events.onJoined)
    this.#socket.on('participant:left', ({ id }) => events.onLeft(id))
    this.#socket.on('participant:media', ({ id, media }) => events.onMedia(id, media))
    this.#socket.on('signal', ({ from, signal }) => events.onSignal(from, signal))
    this.#socket.on('session:replaced', events.onReplaced)
  }

  connect(): Promise<void> {
    const socket = this.#socket
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => () => {
        socket.off('connect', connected)
        socket.off('connect_error', refused)
        end()
      }
      const connected = settle(resolve)
      const refused = (error: Error & { data?: unknown }) => settle(() => reject(asError(error)))()
      socket.on('connect', connected)
      socket.on('connect_error', refused)
      if (socket.connected) connected()
      else socket.connect()
    })
  }

  join: Signaling['join'] = (media) =>
    this.#ask((ack) => this.#socket.emit('room:join', { media }, ack))

  async signal(...[to, signal]: Parameters<Signaling['signal']>): Promise<void> {
    await this.#ask<null>((ack) => this.#socket.emit('signal', { to, signal }, ack))
  }

  async mediaState(...[media]: Parameters<Signaling['mediaState']>): Promise<void> {
    await this.#ask<null>((ack) => this.#socket.emit('media:state', media, ack))
  }

  async refreshTurn() {
    type Answer = { iceServers: Awaited<ReturnType<Signaling['refreshTurn']>> }
    const answer = await this.#ask<Answer>((ack) => this.#socket.emit('turn:refresh', {}, ack))
    return answer.iceServers
  }

  leave(): void {
    if (this.#socket.connected) this.#socket.emit('room:leave', {}, () => this.close())
    else this.close()
  }

  close(): void {
    // Packets that are on their way out (a leave) still go: the engine drains before it closes.
    this.#socket.disconnect()
  }

  #ask<T>(emit: (ack: (answer: Ack<T>) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#socket.connected)
        return reject(new SignalingError('offline', 'the signaling socket is not connected'))
      const timer = setTimeout(
        () => reject(new SignalingError('offline', 'the signaling server does not answer')),
        answerTimeoutMs,
      )
      emit((answer) => {
        clearTimeout(timer)
        if (answer.ok) resolve(answer.data)
        else reject(new SignalingError(answer.error.code, answer.error.message))
      })
    })
  }
}

/** `POST /api/rooms/:room/join` on the page's own origin. */
export const requestJoinOverHttp: RequestJoin = async (room, name) => {
  const response = await fetch(`/api/rooms/${encodeURIComponent(room)}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => {
    throw new SignalingError('offline', 'the server cannot be reached')
  })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) {
    const parsed = joinResponseSchema.safeParse(body)
    if (parsed.success) return parsed.data
    throw new SignalingError('internal', 'the server answered in a form this page does not know')
  }
  const refused = protocolErrorSchema.safeParse(body)
  if (refused.success) throw new SignalingError(refused.data.code, refused.data.message)
  // A proxy answers for a server that is away.
  throw new SignalingError(response.status >= 502 ? 'offline' : 'internal', response.statusText)
}

function asError(error: Error & { data?: unknown }): SignalingError {
  const parsed = protocolErrorSchema.safeParse(error.data)
  return parsed.success
    ? new SignalingError(parsed.data.code, parsed.data.message)
    : new SignalingError('offline', error.message)
}
