import type { ChatMessage, RoomSnapshot } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import { chatText } from '../../protocolShapes.ts'
import { read } from '../../shape.ts'
import type { Cell } from '../../state.ts'
import type { RoomFollower } from '../call/RoomFollower.ts'
import { type Ask, type RoomEvent, SignalingError } from '../connection/Signaling.ts'
import { ChatLog } from './ChatLog.ts'
import { type ChatState, initialChat } from './chatState.ts'

export type ChatOptions = {
  chat: Cell<ChatState>
  clock: Clock
  /** A new id of a message, which nobody can guess. */
  newId(): string
}

/** What was not answered, or came too fast, is tried again after this, for as long as the socket is there. */
const retryMs = 2000
const toastMs = 6000

/** What the server would refuse again. */
const lasting: ReadonlySet<string> = new Set(['invalid', 'forbidden'])

/** The chat of a room: what was said, and what this page says, sent as soon as there is a way to the server. */
export class Chat implements RoomFollower {
  readonly #options: ChatOptions
  #log = new ChatLog()
  /** While the server is there: a new one with each reconnection. */
  #ask: Ask | undefined
  #open = false
  #begun = false
  #cancelToast = () => {}

  constructor(options: ChatOptions) {
    this.#options = options
  }

  // -- the person ------------------------------------------------------------------------------

  /** @returns whether there was anything to send */
  say(written: string): boolean {
    const text = read(chatText, cleaned(written))
    if (text === undefined) return false
    this.#log.write({ id: this.#options.newId(), text })
    this.#pump()
    return true
  }

  retry(id: string): void {
    this.#log.retry(id)
    this.#pump()
  }

  discard(id: string): void {
    this.#log.discard(id)
    this.#draw()
  }

  /** It is on screen, or not any more. */
  show(open: boolean): void {
    this.#open = open
    if (open) this.#options.chat.set({ unread: 0, toast: null })
  }

  // -- the room --------------------------------------------------------------------------------

  entered({ self, participants }: RoomSnapshot, ask: Ask): void {
    this.#log.away()
    this.#log.enter(self, participants.find(({ id }) => id === self)?.name ?? '')
    this.#ask = ask
    void this.#askForHistory(ask)
    this.#pump()
  }

  away(): void {
    this.#ask = undefined
    this.#log.away()
    this.#draw()
  }

  heard(event: RoomEvent): void {
    if (event.name === 'chat:message') this.#take([event.message], true)
  }

  left(): void {
    this.#ask = undefined
    this.#log = new ChatLog()
    this.#begun = false
    this.#cancelToast()
    this.#options.chat.set(initialChat)
  }

  // -- behind ----------------------------------------------------------------------------------

  async #askForHistory(ask: Ask): Promise<void> {
    const log = this.#log
    try {
      const { messages } = await ask('chat:history', {})
      if (log !== this.#log) return
      // What was said before one came is to be read, and no news.
      this.#take(messages, this.#begun)
      this.#begun = true
    } catch {
      this.#again(ask, () => void this.#askForHistory(ask))
    }
  }

  #take(messages: readonly ChatMessage[], news: boolean): void {
    const fresh = this.#log.take(messages)
    this.#draw()
    const newest = fresh.at(-1)
    if (this.#open || !newest) return
    const { chat, clock } = this.#options
    chat.set({ unread: chat.get().unread + fresh.length })
    if (!news) return
    chat.set({ toast: { id: newest.id, name: newest.name, text: newest.text } })
    this.#cancelToast()
    this.#cancelToast = clock.after(toastMs, () => chat.set({ toast: null }))
  }

  /** Sends what is to be sent, one after the other. */
  #pump(): void {
    const ask = this.#ask
    const next = ask && this.#log.next()
    this.#draw()
    if (!ask || !next) return
    ask('chat:send', next).then(
      ({ at }) => {
        this.#log.accepted(next.id, at)
        this.#pump()
      },
      (error: unknown) => {
        // Away meanwhile: it waits, or is sent anew, already.
        if (ask !== this.#ask) return
        if (error instanceof SignalingError && lasting.has(error.code)) {
          this.#log.refused(next.id)
          return this.#pump()
        }
        this.#log.unanswered(next.id)
        this.#draw()
        this.#again(ask, () => this.#pump())
      },
    )
  }

  #again(ask: Ask, run: () => void): void {
    this.#options.clock.after(retryMs, () => {
      if (ask === this.#ask) run()
    })
  }

  #draw(): void {
    const { chat } = this.#options
    const { entries } = this.#log
    if (chat.get().entries !== entries) chat.set({ entries })
  }
}

/** What came along from where it was copied: control characters, other ends of lines, empty ends. */
function cleaned(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .replace(/^\s*\n|\s+$/g, '')
}
