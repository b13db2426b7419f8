import type { Clock } from '../../clock.ts'

/**
 * What one end says of a link itself. `done`: it needs the link no more. `live`: the link brings what
 * it has to, so that whatever brought it before may end.
 */
export const words = ['done', 'live'] as const
export type Word = (typeof words)[number]

/** The channel is unreliable: a word is said as often as this, and for as long as that. */
const intervalMs = 250
const longestMs = 30_000

export type AccordOptions = {
  clock: Clock
  /** Says it once; may be lost. */
  say(word: Word): void
}

/** Finds out when both ends of a link have said the same word. */
export class Accord {
  readonly #options: AccordOptions
  readonly #heard = new Set<string>()
  readonly #waiting = new Map<string, () => void>()
  #stopped = false

  constructor(options: AccordOptions) {
    this.#options = options
  }

  /** Says the word from now on. @param onBoth called once, when the other end has said it, too */
  agree(word: Word, onBoth: () => void): void {
    const { clock, say } = this.#options
    const until = clock.now() + longestMs
    const tell = () => {
      if (this.#stopped || clock.now() > until) return
      say(word)
      clock.after(intervalMs, tell)
    }
    tell()
    if (this.#heard.has(word)) onBoth()
    else this.#waiting.set(word, onBoth)
  }

  /** Takes what the channel brought, whatever it is. */
  receive(message: string): void {
    if (!words.some((word) => word === message)) return
    this.#heard.add(message)
    const onBoth = this.#waiting.get(message)
    this.#waiting.delete(message)
    onBoth?.()
  }

  stop(): void {
    this.#stopped = true
  }
}
