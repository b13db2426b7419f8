import type { MediaState, Participant, RoomSnapshot, Signal } from '@parley/protocol'
import { CallSession } from '../features/call/CallSession.ts'
import { initialCall } from '../features/call/callState.ts'
import { PeerLink } from '../features/connection/PeerLink.ts'
import { linkPolicy, signalingPolicy } from '../features/connection/ReconnectPolicy.ts'
import {
  type Signaling,
  SignalingError,
  type SignalingEvents,
} from '../features/connection/Signaling.ts'
import { FakeConnection } from './FakeConnection.ts'
import { FakeNetwork } from './FakeNetwork.ts'
import { testCell } from './FakeRoom.ts'
import type { TestClock } from './TestClock.ts'

/** How long a seat is kept for a socket that is gone. */
const graceMs = 30_000
/** What has no answer within this time is given up. */
const answerMs = 12_000

const media: MediaState = { audio: true, video: true }
const iceServers = [{ urls: ['turn:192.0.2.1'] }]

type Seat = { participant: Participant; socket: FakeSocket | undefined }

/** Where each message waits for the one before it, and takes its own time. */
class Lane {
  readonly #clock: TestClock
  readonly #delayMs: () => number
  #last: Promise<unknown> = Promise.resolve()

  constructor(clock: TestClock, delayMs: () => number) {
    this.#clock = clock
    this.#delayMs = delayMs
  }

  carry<T>(run: () => T | Promise<T>): Promise<T> {
    const arrived = Promise.all([this.#last, this.wait()]).then(run)
    this.#last = arrived.catch(() => {})
    return arrived
  }

  wait(): Promise<void> {
    const delayMs = this.#delayMs()
    return new Promise((resolve) => void this.#clock.after(delayMs, resolve))
  }
}

/** One page's way to the server: what it has sent and not yet brought is lost with it. */
class FakeSocket {
  up = true
  /** What became of the last way in over it. */
  seat: 'none' | 'asked' | 'taken' = 'none'
  readonly #clock: TestClock
  readonly #up: Lane
  readonly #down: Lane
  readonly #work: Lane

  constructor(clock: TestClock, delayMs: () => number) {
    this.#clock = clock
    this.#up = new Lane(clock, delayMs)
    this.#down = new Lane(clock, delayMs)
    this.#work = new Lane(clock, delayMs)
  }

  /** @param handle of the server; messages of one socket are handled one after the other */
  ask<T>(handle: (work: () => Promise<void>) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.up) return reject(new SignalingError('offline', 'not connected'))
      this.#clock.after(answerMs, () => reject(new SignalingError('offline', 'no answer')))
      void this.#up.carry(async () => {
        if (!this.up) return
        const answer = await handle(() => this.#work.wait())
        this.tell(() => resolve(answer))
      })
    })
  }

  /** The last word, which goes out over a socket that is closed after it. */
  leave(handle: () => void): void {
    void this.#up.carry(handle)
  }

  tell(event: () => void): void {
    void this.#down.carry(() => {
      if (this.up) event()
    })
  }
}

/**
 * A room of several pages, whose calls and links are the real ones. Every message, every step of the server and every
 * operation of a browser takes as long as `delayMs` says; the server keeps the order of one page's messages, and
 * nothing else.
 */
export class FakeMeeting {
  readonly network: FakeNetwork
  readonly pages = new Map<string, FakePage>()
  readonly #clock: TestClock
  readonly #delayMs: () => number
  readonly #seats = new Map<string, Seat>()
  #silentUntil = 0

  constructor(clock: TestClock, delayMs: () => number) {
    this.#clock = clock
    this.#delayMs = delayMs
    this.network = new FakeNetwork((run) => void clock.after(delayMs(), run))
  }

  /** Somebody opens the room's link. */
  open(id: string): FakePage {
    const page = new FakePage(this, id, this.#clock, this.#delayMs)
    this.pages.set(id, page)
    void page.session.join({ room: 'room', name: id, relayForced: false })
    return page
  }

  /** The page is gone, and has said so. */
  reload(id: string): void {
    this.pages.get(id)?.session.leave()
    this.pages.delete(id)
  }

  /** The page is gone, without a word. */
  crash(id: string): void {
    this.cutSocket(id, true)
    this.reload(id)
  }

  /** @param silent the page does not hear of it */
  cutSocket(id: string, silent = false): void {
    const page = this.pages.get(id)
    if (!page?.socket) return
    this.lose(id, page.socket)
    page.socket = undefined
    if (!silent) page.events.onDisconnect()
  }

  /** Somebody's microphone, say: the others hear of it as of who is back with another socket. */
  changeMedia(id: string): void {
    this.#tellOthers(id, (events) => events.onMedia(id, media))
  }

  lose(id: string, socket: FakeSocket): void {
    socket.up = false
    const seat = this.#seats.get(id)
    if (seat?.socket !== socket) return
    seat.socket = undefined
    this.#clock.after(graceMs, () => {
      if (seat.socket === undefined && this.#seats.get(id) === seat) this.vacate(id)
    })
  }

  vacate(id: string): void {
    if (this.#seats.delete(id)) this.#tellOthers(id, (events) => events.onLeft(id))
  }

  /** Takes the seat and reads the room, and tells the others and the newcomer later: as a server with a store does. */
  async seat(id: string, socket: FakeSocket, work: () => Promise<void>): Promise<RoomSnapshot> {
    await work()
    const before = this.#seats.get(id)
    const participant = before?.participant ?? {
      id,
      name: id,
      media,
      joinedAt: this.#clock.now(),
      role: 'guest' as const,
    }
    if (before?.socket) before.socket.up = false
    this.#seats.set(id, { participant, socket })
    // The page may have gone meanwhile.
    if (!socket.up) this.lose(id, socket)
    const participants = [...this.#seats.values()].map((seat) => seat.participant)
    await work()
    this.#tellOthers(id, (events) => {
      if (before) events.onMedia(id, media)
      else events.onJoined(participant)
    })
    await work()
    return {
      self: id,
      room: 'room',
      participants,
      iceServers,
      maxParticipants: 8,
      media: { mode: 'mesh' },
      locked: false,
      lobby: [],
      resume: 'token',
    }
  }

  /** What pages say to each other arrives nowhere; what the server says of the room does. */
  loseSignals(forMs: number): void {
    this.#silentUntil = this.#clock.now() + forMs
  }

  pass(from: string, to: string, signal: Signal): void {
    if (this.#clock.now() < this.#silentUntil) return
    this.#tell(to, (events) => events.onSignal(from, signal))
  }

  #tellOthers(id: string, event: (events: SignalingEvents) => void): void {
    for (const other of this.#seats.keys()) if (other !== id) this.#tell(other, event)
  }

  #tell(id: string, event: (events: SignalingEvents) => void): void {
    const page = this.pages.get(id)
    const socket = this.#seats.get(id)?.socket
    if (page && socket) socket.tell(() => event(page.events))
  }

  /** Every page sees every other one, and has a connection to it that carries. */
  get complete(): boolean {
    const ids = [...this.pages.keys()]
    return ids.every((id) => {
      const links = this.pages.get(id)?.links() ?? []
      const others = ids.filter((other) => other !== id)
      return (
        links.length === others.length &&
        others.every((other) => links.includes(`${other} connected`))
      )
    })
  }
}

export class FakePage {
  readonly session: CallSession
  readonly call = testCell(initialCall)
  readonly errors: unknown[] = []
  /** What was asked for a second time before the first was answered, or though it had been given. */
  readonly askedTwice: string[] = []
  socket: FakeSocket | undefined
  #events: SignalingEvents | undefined

  constructor(meeting: FakeMeeting, id: string, clock: TestClock, delayMs: () => number) {
    const work = new Lane(clock, delayMs)
    this.session = new CallSession({
      call: this.call,
      clock,
      epochMs: () => clock.now(),
      policy: signalingPolicy(() => 0.5),
      requestJoin: async (room, name) => {
        await work.wait()
        return {
          token: 'token',
          participantId: id,
          room,
          tenant: 'default',
          role: 'guest',
          name,
          iceServers,
          media: { mode: 'mesh' },
        }
      },
      openSignaling: (_token, events) => {
        this.#events = events
        return this.#signaling(meeting, id, clock, delayMs)
      },
      createLink: (request) =>
        new PeerLink({
          ...request,
          clock,
          policy: linkPolicy(() => 0.5),
          createConnection: (configuration) =>
            meeting.network.add(new FakeConnection(configuration, () => work.wait())),
          onError: (error) => this.errors.push(error),
        }),
      prepareSfu: () => {},
      openSfu: () => {
        throw new Error('there is no SFU')
      },
      local: () => ({ tracks: { audio: null, video: null }, media }),
      followers: [],
      onError: (error) => this.errors.push(error),
    })
  }

  get events(): SignalingEvents {
    if (!this.#events) throw new Error('the page has not connected')
    return this.#events
  }

  /** Each link by whom it is to, and its state. */
  links(): string[] {
    return this.call.get().participants.map(({ id, link }) => `${id} ${link}`)
  }

  #signaling(meeting: FakeMeeting, id: string, clock: TestClock, delayMs: () => number): Signaling {
    const ask = <T>(handle: (work: () => Promise<void>) => Promise<T>): Promise<T> => {
      if (!this.socket) return Promise.reject(new SignalingError('offline', 'not connected'))
      return this.socket.ask(handle)
    }
    const drop = () => {
      if (this.socket) meeting.lose(id, this.socket)
      this.socket = undefined
    }
    let connecting = 0
    const connect = async () => {
      const socket = new FakeSocket(clock, delayMs)
      await socket.ask(async () => {})
      this.socket = socket
    }
    return {
      connect: async () => {
        if (this.socket?.up) return
        if (connecting++ > 0) this.askedTwice.push('connect')
        await connect().finally(() => connecting--)
      },
      drop,
      join: async () => {
        const { socket } = this
        if (!socket) throw new SignalingError('offline', 'not connected')
        if (socket.seat !== 'none') this.askedTwice.push(`join, ${socket.seat}`)
        socket.seat = 'asked'
        try {
          const snapshot = await ask((work) => meeting.seat(id, socket, work))
          socket.seat = 'taken'
          return snapshot
        } catch (error) {
          socket.seat = 'none'
          throw error
        }
      },
      signal: (to, signal) => ask(async () => meeting.pass(id, to, signal)),
      mediaState: () => ask(async () => {}),
      refreshTurn: () => ask(async () => iceServers),
      refreshMedia: () => ask(async () => ({ mode: 'mesh' as const })),
      mediaUnreachable: () => ask(async () => ({ mode: 'mesh' as const })),
      report: () => Promise.resolve(),
      ask: () => Promise.reject(new SignalingError('not-found', 'there is no more of the room')),
      leave: () => {
        this.socket?.leave(() => meeting.vacate(id))
      },
      close: drop,
    }
  }
}
