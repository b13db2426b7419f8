import type {
  AdminHistory,
  AdminTokenRequest,
  AdminTokenResponse,
  LiveSnapshot,
  LiveUpdate,
  MeetingAlert,
} from '@parley/protocol'
import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Clock } from '../../clock.ts'
import type { AdminBoard } from './AdminBoard.ts'

/** Why there is nothing to see. */
export type AdminProblem =
  | 'nothing-shown' // neither a link nor a sign-in
  | 'no-admin' // signed in, as somebody else
  | 'expired'
  | 'refused'
  | 'turned-off'
  | 'away'

export type AdminAccess =
  | { phase: 'entering' }
  | { phase: 'out'; problem: AdminProblem; signIn: boolean }
  | { phase: 'in'; tenant: string; name: string | undefined; ofServer: boolean }

/** Refused by the server, with its code. */
export class AdminRefusal extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'AdminRefusal'
    this.code = code
  }
}

export type AdminSocket = {
  history(meetingId: string, userId: string): Promise<AdminHistory>
  close(): void
}
export type AdminSocketEvents = {
  /** Connected, the first time or again: subscribing comes next. */
  onSubscribing(): void
  onSnapshot(snapshot: LiveSnapshot): void
  onUpdates(updates: LiveUpdate[]): void
  onAlerts(alerts: MeetingAlert[]): void
  onLost(): void
  /** The server does not take the token any more. */
  onRefused(): void
}

export type AdminSessionOptions = {
  board: AdminBoard
  clock: Pick<Clock, 'after'>
  /** What this tab has to show. */
  proof(): Promise<AdminTokenRequest>
  /** @throws {AdminRefusal}; anything else where the server does not answer */
  requestToken(proof: AdminTokenRequest): Promise<AdminTokenResponse>
  /** Opens a socket that asks for its token each time it connects. */
  openSocket(token: () => string, events: AdminSocketEvents): AdminSocket
}

/** A new token is asked for when so much of the old one's time is left, or half of it. */
const renewMs = 60_000
const againMs = { first: 1000, longest: 30_000 }
const tickMs = 2000

/** An admin's stay at the page: from what they show to what they hear, for as long as they may. */
export class AdminSession {
  readonly access: StoreApi<AdminAccess> = createStore<AdminAccess>()(() => ({ phase: 'entering' }))
  readonly #options: AdminSessionOptions
  #token = ''
  #socket: AdminSocket | undefined
  #cancels = new Set<() => void>()
  #tries = 0
  #closed = false

  constructor(options: AdminSessionOptions) {
    this.#options = options
  }

  /** Never rejects: what goes wrong is in `access`. */
  async enter(): Promise<void> {
    const { proof, requestToken } = this.#options
    this.#closed = false
    this.#cancelAll()
    try {
      const shown = await proof()
      const { token, tenant, name, ofServer, expiresInSeconds } = await requestToken(shown)
      if (this.#closed) return
      this.#token = token
      this.access.setState({ phase: 'in', tenant, name, ofServer }, true)
      const livesMs = expiresInSeconds * 1000
      // What is made of a link that is nearly over lives for no longer.
      const renewInMs = Math.max(againMs.first, livesMs / 2, livesMs - renewMs)
      this.#later(renewInMs, () => this.enter())
      this.#socket ??= this.#open()
      this.#tick()
    } catch (error) {
      if (!this.#closed) this.#failed(error)
    }
  }

  get token(): string {
    return this.#token
  }

  history(meetingId: string, userId: string): Promise<AdminHistory> {
    if (!this.#socket) return Promise.reject(new AdminRefusal('unavailable', 'not connected'))
    return this.#socket.history(meetingId, userId)
  }

  leave(): void {
    this.#closed = true
    this.#cancelAll()
    this.#socket?.close()
    this.#socket = undefined
    this.#options.board.lost()
  }

  #open(): AdminSocket {
    const { board, openSocket } = this.#options
    return openSocket(() => this.#token, {
      onSubscribing: () => board.begin(),
      onSnapshot: (snapshot) => {
        // Not for a token alone: a server may give one, and refuse to be heard.
        this.#tries = 0
        board.take(snapshot)
      },
      onUpdates: (updates) => board.update(updates),
      onAlerts: (alerts) => board.alert(alerts),
      onLost: () => board.lost(),
      onRefused: () => {
        if (this.#closed) return
        this.#socket?.close()
        this.#socket = undefined
        this.#again()
      },
    })
  }

  #failed(error: unknown): void {
    const code = error instanceof AdminRefusal ? error.code : undefined
    const [problem, signIn] = (code && problems[code]) || (['away', false] as const)
    const wasIn = this.access.getState().phase === 'in'
    // Who is in stays in while the server is away: the socket knows better.
    if (!(wasIn && problem === 'away')) {
      this.#socket?.close()
      this.#socket = undefined
      this.#options.board.lost()
      this.access.setState({ phase: 'out', problem, signIn }, true)
    }
    if (problem === 'away') this.#again()
  }

  #again(): void {
    const ms = Math.min(againMs.longest, againMs.first * 2 ** this.#tries++)
    this.#later(ms, () => this.enter())
  }

  #tick(): void {
    this.#later(tickMs, () => {
      this.#options.board.tick()
      this.#tick()
    })
  }

  #later(ms: number, run: () => void): void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#cancels.delete(cancel)
      run()
    })
    this.#cancels.add(cancel)
  }

  #cancelAll(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels.clear()
  }
}

const problems: Partial<Record<string, readonly [AdminProblem, signIn: boolean]>> = {
  'sign-in-needed': ['nothing-shown', true],
  'invite-needed': ['nothing-shown', false],
  forbidden: ['no-admin', true],
  'token-expired': ['expired', false],
  unauthenticated: ['refused', false],
  invalid: ['refused', false],
  'not-found': ['turned-off', false],
}
