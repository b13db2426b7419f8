import type { ChatMessage, ChatSend } from '@parley/protocol'

/**
 * `sent`: the server has it, and its place is settled. The others are one's own, after all that is sent:
 * `sending` is on its way, `waiting` goes as soon as the server is there, `refused` is not taken by the server.
 */
export type ChatEntry = {
  id: string
  name: string
  text: string
  own: boolean
} & ({ state: 'sent'; at: number } | { state: 'sending' | 'waiting' | 'refused' })

/** Messages that a page keeps; older ones of a long meeting go. */
export const chatLogMax = 1000

type Pending = ChatSend & { state: 'sending' | 'waiting' | 'refused' }

/**
 * The messages of a room as one page has them: each once, in the server's order, and behind them what this page
 * has written and the server has not yet. What comes twice, late, or out of order makes no difference.
 */
export class ChatLog {
  readonly #max: number
  #name = ''
  #selfId = ''
  /** By `at`. */
  #sent: ChatMessage[] = []
  readonly #known = new Set<string>()
  /** Of this page, also when it was another participant: a lost seat makes a new one. */
  readonly #written = new Set<string>()
  #pending: Pending[] = []
  /** What is as old as this, or older, was let go. */
  #floor = 0
  #entries: readonly ChatEntry[] | undefined

  constructor(max = chatLogMax) {
    this.#max = max
  }

  /** Whom the server knows this page as. */
  enter(selfId: string, name: string): void {
    this.#selfId = selfId
    this.#name = name
    this.#entries = undefined
  }

  /** All of it, oldest first; the same array for as long as nothing has changed. */
  get entries(): readonly ChatEntry[] {
    this.#entries ??= [
      ...this.#sent.map(({ id, at, from, name, text }): ChatEntry => {
        const own = from === this.#selfId || this.#written.has(id)
        return { id, at, name, text, own, state: 'sent' }
      }),
      ...this.#pending.map((one): ChatEntry => ({ ...one, name: this.#name, own: true })),
    ]
    return this.#entries
  }

  write(message: ChatSend): void {
    this.#written.add(message.id)
    this.#pending.push({ ...message, state: 'waiting' })
    this.#entries = undefined
  }

  /**
   * The message to be sent now, which is on its way from here on. One goes at a time, so that they stay in the
   * order in which they were written.
   */
  next(): ChatSend | undefined {
    if (this.#pending.some(({ state }) => state === 'sending')) return undefined
    const first = this.#pending.find(({ state }) => state === 'waiting')
    if (!first) return undefined
    this.#mark(first.id, 'sending')
    return { id: first.id, text: first.text }
  }

  /** The server has taken it. */
  accepted(id: string, at: number): void {
    const mine = this.#pending.find((one) => one.id === id)
    if (!mine) return
    this.take([{ id, at, from: this.#selfId, name: this.#name, text: mine.text }])
    // Also where it is older than all that is kept.
    this.#pending = this.#pending.filter((one) => one !== mine)
  }

  /** No answer: it may have been taken or not, and is to be sent again. */
  unanswered(id: string): void {
    this.#mark(id, 'waiting', 'sending')
  }

  /** The way to the server is lost, and with it every answer. */
  away(): void {
    for (const { id } of this.#pending) this.unanswered(id)
  }

  /** Sent again it would be refused again. */
  refused(id: string): void {
    this.#mark(id, 'refused', 'sending')
  }

  /** The person wants it tried again, or not at all. */
  retry(id: string): void {
    this.#mark(id, 'waiting', 'refused')
  }

  discard(id: string): void {
    this.#pending = this.#pending.filter((one) => one.id !== id || one.state !== 'refused')
    this.#entries = undefined
  }

  /** Messages as the server has them. @returns those of others that were not known */
  take(messages: readonly ChatMessage[]): ChatMessage[] {
    const fresh = messages.filter(({ id, at }) => {
      if (at <= this.#floor || this.#known.has(id)) return false
      this.#known.add(id)
      return true
    })
    if (fresh.length === 0) return []
    this.#sent = [...this.#sent, ...fresh].sort((a, b) => a.at - b.at)
    this.#pending = this.#pending.filter(({ id }) => !this.#known.has(id))
    this.#letGo()
    this.#entries = undefined
    return fresh.filter(({ id, from }) => from !== this.#selfId && !this.#written.has(id))
  }

  #letGo(): void {
    const gone = this.#sent.splice(0, this.#sent.length - this.#max)
    this.#floor = gone.at(-1)?.at ?? this.#floor
    for (const { id } of gone) {
      this.#known.delete(id)
      this.#written.delete(id)
    }
  }

  #mark(id: string, state: Pending['state'], from?: Pending['state']): void {
    this.#pending = this.#pending.map((one) =>
      one.id === id && (from === undefined || one.state === from) ? { ...one, state } : one,
    )
    this.#entries = undefined
  }
}
