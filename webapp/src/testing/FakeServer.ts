import type {
  IceServer,
  LinkReport,
  MediaState,
  Participant,
  RoomMedia,
  RoomSnapshot,
  Signal,
} from '@parley/protocol'
import {
  type OpenSignaling,
  type RequestJoin,
  type Signaling,
  SignalingError,
  type SignalingErrorCode,
  type SignalingEvents,
} from '../features/connection/Signaling.ts'

/** A signaling server with one room, as one page sees it. Everything it was told is in `told`. */
export class FakeServer {
  readonly others = new Map<string, Participant>()
  readonly told: { what: string; media?: MediaState; to?: string }[] = []
  readonly reports: LinkReport[] = []
  /** Of the rest of the protocol. */
  readonly asked: { event: string; message: unknown }[] = []
  iceServers: IceServer[] = [{ urls: ['turn:192.0.2.1'], username: '4600:t.r.p-self' }]
  /** Its own clock, and credentials that live for so many seconds by it. */
  minting: { epochMs(): number; ttlSeconds: number } | undefined
  media: RoomMedia = { mode: 'mesh' }
  /** Why `room:join` is refused to who has a token. */
  door: 'waiting' | 'locked' | 'denied' | 'removed' | undefined
  /** Refuses whoever comes. */
  refusal: SignalingErrorCode | undefined
  up = true
  /** Takes everything and answers nothing, as over a network that is cut. */
  mute = false
  /** So many of what a page says of its media are not taken. */
  mediaRefusals = 0
  /** So many joins are not taken. */
  joinRefusals = 0
  /** What a knock's answer waits for. */
  knock: Promise<void> = Promise.resolve()
  /** On the SFU it seats people with their tokens. */
  seatsEarly = false
  /** What a socket waits for. */
  beforeConnect = async () => {}
  /** Between reading the room and answering with it. */
  beforeAnswer = () => {}
  #validToken = 1
  #events: SignalingEvents | undefined
  #connected = false

  readonly requestJoin: RequestJoin = async (room, name) => {
    this.told.push({ what: `request ${name}` })
    if (this.refusal) throw new SignalingError(this.refusal, 'refused')
    if (!this.up) throw new SignalingError('offline', 'away')
    return {
      token: String(this.#validToken),
      participantId: 'p-self',
      room,
      tenant: 'default',
      role: 'guest' as const,
      name,
      iceServers: this.#iceServers(),
      ...(this.minting && { serverEpochMs: this.minting.epochMs() }),
      media:
        this.media.mode === 'sfu' && !this.seatsEarly
          ? { mode: 'sfu', engine: 'LiveKit' }
          : this.media,
    }
  }

  readonly open: OpenSignaling = (token, events) => {
    this.#events = events
    const ask = async <T>(told: (typeof this.told)[number], answer: T): Promise<T> => {
      if (!this.#connected) throw new SignalingError('offline', 'not connected')
      this.told.push(told)
      if (this.mute) await new Promise(() => {})
      return answer
    }
    const close = () => {
      this.#connected = false
      if (this.#events === events) this.#events = undefined
    }
    const signaling: Signaling = {
      connect: async () => {
        this.told.push({ what: 'connect' })
        await this.beforeConnect()
        if (this.refusal) throw new SignalingError(this.refusal, 'refused')
        if (!this.up) throw new SignalingError('offline', 'away')
        if (token !== String(this.#validToken))
          throw new SignalingError('unauthenticated', 'expired')
        this.#connected = true
      },
      drop: () => {
        this.told.push({ what: 'drop' })
        this.#connected = false
      },
      join: async (media) => {
        if (this.#connected && this.door) throw new SignalingError(this.door, 'ask a host')
        if (this.#connected && this.joinRefusals-- > 0)
          throw new SignalingError('rate-limited', 'too many')
        const snapshot = this.snapshot()
        this.beforeAnswer()
        return ask({ what: 'join', media }, snapshot)
      },
      signal: (to, _signal: Signal) => ask({ what: 'signal', to }, undefined),
      mediaState: (media) => {
        if (this.#connected && this.mediaRefusals-- > 0)
          return Promise.reject(new SignalingError('rate-limited', 'too many'))
        return ask({ what: 'media', media }, undefined)
      },
      refreshTurn: () => ask({ what: 'refresh' }, this.#iceServers()),
      refreshMedia: () => ask({ what: 'refresh media' }, this.media),
      mediaUnreachable: () => ask({ what: 'unreachable' }, this.media),
      report: async (report) => {
        if (!this.#connected) throw new SignalingError('offline', 'not connected')
        this.reports.push(report)
      },
      ask: async (event, message) => {
        if (!this.#connected) throw new SignalingError('offline', 'not connected')
        this.asked.push({ event, message })
        await this.knock
        return null as never
      },
      leave: () => {
        this.told.push({ what: 'leave' })
        close()
      },
      close,
    }
    return signaling
  }

  #iceServers(): IceServer[] {
    if (!this.minting) return this.iceServers
    const { epochMs, ttlSeconds } = this.minting
    const expiry = Math.floor(epochMs() / 1000) + ttlSeconds
    return [{ urls: ['turn:192.0.2.1'], username: `${expiry}:t.r.p-self`, credential: 'c' }]
  }

  get events(): SignalingEvents {
    if (!this.#events) throw new Error('no page is connected')
    return this.#events
  }

  expireToken(): void {
    this.#validToken++
  }

  drop(): void {
    this.up = false
    if (!this.#connected) return
    this.#connected = false
    this.#events?.onDisconnect()
  }

  /** The room moves to the SFU. */
  moveToSfu(): void {
    this.media = { mode: 'sfu', engine: 'LiveKit', token: 'sfu-token' }
    if (this.#connected) this.events.onMoved({ mode: 'sfu' })
  }

  /** And back. */
  moveToMesh(reason: 'small' | 'sfu-away' = 'small'): void {
    this.media = { mode: 'mesh', cameBack: true }
    if (this.#connected) this.events.onMoved({ mode: 'mesh', reason })
  }

  enter(id: string, name = id, media: MediaState = { audio: true, video: true }): Participant {
    const participant = {
      id,
      name,
      media,
      joinedAt: this.others.size,
      role: 'guest' as const,
    }
    this.others.set(id, participant)
    if (this.#connected) this.events.onJoined(participant)
    return participant
  }

  exit(id: string): void {
    this.others.delete(id)
    if (this.#connected) this.events.onLeft(id)
  }

  snapshot(): RoomSnapshot {
    const self = {
      id: 'p-self',
      name: 'Self',
      media: { audio: true, video: true },
      joinedAt: 0,
      role: 'guest' as const,
    }
    return {
      self: 'p-self',
      room: 'room',
      participants: [self, ...this.others.values()],
      iceServers: this.#iceServers(),
      maxParticipants: 4,
      media: this.media,
      locked: false,
      lobby: [],
      resume: String(this.#validToken),
    }
  }
}
