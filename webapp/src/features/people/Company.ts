import {
  type ClientToServerEvents,
  type Knocker,
  moderates,
  type Role,
  type RoomSnapshot,
  type ServerToClientEvents,
} from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import type { RoomFollower } from '../call/RoomFollower.ts'
import {
  type AnswerOf,
  type Ask,
  type MessageOf,
  type RoomEvent,
  SignalingError,
} from '../connection/Signaling.ts'
import { type CompanyNotice, type CompanyState, initialCompany } from './companyState.ts'

export type CompanyOptions = {
  company: Cell<CompanyState>
  clock: Clock
  /** A host wants it off. */
  turnOff(kind: 'audio' | 'video'): void
}

const noticeMs = 6000

/** Who is who in a room: roles, raised hands, who waits before the door; and what hosts do about it. */
export class Company implements RoomFollower {
  readonly #options: CompanyOptions
  #ask: Ask | undefined
  #self = ''
  #cancelNotice = () => {}

  constructor(options: CompanyOptions) {
    this.#options = options
  }

  // -- the person ------------------------------------------------------------------------------

  async raiseHand(raised: boolean): Promise<void> {
    const done = await this.#request('hand:set', { raised })
    if (done?.answer) this.#hand(this.#self, done.answer.at)
  }
  toggleHand(): Promise<void> {
    return this.raiseHand(this.#options.company.get().hands[this.#self] === undefined)
  }
  async lowerHand(id: string): Promise<void> {
    await this.#request('hand:lower', { id })
  }
  async mute(kind: 'audio' | 'video', id?: string): Promise<void> {
    await this.#request('moderation:mute', id === undefined ? { kind } : { id, kind })
  }
  async remove(id: string): Promise<void> {
    await this.#request('moderation:remove', { id })
  }
  async lock(locked: boolean): Promise<void> {
    await this.#request('room:lock', { locked })
  }
  async endForAll(): Promise<void> {
    await this.#request('room:end', {})
  }
  async admit(id: string): Promise<void> {
    await this.#letGo('lobby:admit', id)
  }
  async deny(id: string): Promise<void> {
    await this.#letGo('lobby:deny', id)
  }

  // -- the room --------------------------------------------------------------------------------

  entered({ self, participants, locked, lobby }: RoomSnapshot, ask: Ask): void {
    const raised = this.#options.company.get().hands[this.#self] !== undefined
    this.#ask = ask
    this.#self = self
    this.#options.company.set({
      roles: Object.fromEntries(participants.map(({ id, role }) => [id, role])),
      hands: Object.fromEntries(
        participants.flatMap(({ id, handAt }) => (handAt === undefined ? [] : [[id, handAt]])),
      ),
      locked,
      lobby,
    })
    // A server that began anew does not know of it.
    if (raised && this.#options.company.get().hands[self] === undefined) void this.raiseHand(true)
  }

  away(): void {
    this.#ask = undefined
  }

  left(): void {
    this.away()
    this.#cancelNotice()
    this.#options.company.set(initialCompany)
  }

  heard({ name, message }: RoomEvent): void {
    const handler = this.#handlers[name] as ((message: unknown) => void) | undefined
    handler?.(message)
  }

  readonly #handlers: Partial<ServerToClientEvents> = {
    'participant:joined': ({ id, role, handAt }) => {
      this.#role(id, role)
      this.#hand(id, handAt ?? null)
    },
    'participant:left': ({ id }) => {
      const { company } = this.#options
      const { [id]: _, ...roles } = company.get().roles
      company.set({ roles })
      this.#hand(id, null)
    },
    'participant:role': ({ id, role }) => this.#role(id, role),
    'participant:hand': ({ id, at }) => this.#hand(id, at),
    'room:locked': ({ locked }) => this.#options.company.set({ locked }),
    'lobby:knocking': (knocker) => {
      const others = this.#others(knocker.id)
      this.#options.company.set({ lobby: [...others, knocker].sort((a, b) => a.since - b.since) })
    },
    'lobby:gone': ({ id }) => this.#options.company.set({ lobby: this.#others(id) }),
    'moderation:mute': ({ kind }) => {
      this.#options.turnOff(kind)
      this.#notice({ kind: 'muted', what: kind })
    },
  }

  // -- behind ----------------------------------------------------------------------------------

  #role(id: string, role: Role): void {
    const { company } = this.#options
    const before = company.get().roles[id]
    company.set({ roles: { ...company.get().roles, [id]: role } })
    if (id !== this.#self || before === undefined || moderates(before) === moderates(role)) return
    if (moderates(role)) this.#notice({ kind: 'host' })
    // Who waits is for hosts to see.
    else company.set({ lobby: [] })
  }

  #hand(id: string, at: number | null): void {
    const { company } = this.#options
    const { [id]: before, ...others } = company.get().hands
    if (before === (at ?? undefined)) return
    company.set({ hands: at === null ? others : { ...others, [id]: at } })
  }

  /** Everybody before the door but one. */
  #others(id: string): Knocker[] {
    return this.#options.company.get().lobby.filter((one) => one.id !== id)
  }

  /** The server tells when they are gone; whoever was gone before is gone here, too. */
  async #letGo(event: 'lobby:admit' | 'lobby:deny', id: string): Promise<void> {
    if (await this.#request(event, { id })) this.#options.company.set({ lobby: this.#others(id) })
  }

  /** What is refused is told to the person, and undefined. */
  async #request<E extends keyof ClientToServerEvents>(
    event: E,
    message: MessageOf<E>,
  ): Promise<{ answer: AnswerOf<E> | null } | undefined> {
    try {
      if (!this.#ask) throw new SignalingError('offline', 'the server is not there')
      return { answer: await this.#ask(event, message) }
    } catch (error) {
      const code = error instanceof SignalingError ? error.code : 'internal'
      // Gone in the meantime: there is nothing left to be done.
      if (code === 'not-found') return { answer: null }
      this.#notice({
        kind: 'failed',
        why: code === 'offline' || code === 'forbidden' ? code : 'other',
      })
    }
  }

  #notice(notice: CompanyNotice): void {
    const { company, clock } = this.#options
    company.set({ notice })
    this.#cancelNotice()
    this.#cancelNotice = clock.after(noticeMs, () => company.set({ notice: null }))
  }
}
