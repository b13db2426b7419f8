import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'

/** What somebody said, or is saying: with the same key again, it is the same sentence, further on. */
export type Caption = { key: string; who: string; text: string; final: boolean }

export type CaptionsState = {
  on: boolean
  /** Oldest first, as they are on screen. */
  lines: readonly Caption[]
  /** The source has ended by itself: the person, or the browser, did not allow it, or it broke. */
  problem: 'refused' | 'failed' | null
}

export const initialCaptions: CaptionsState = { on: false, lines: [], problem: null }

/**
 * Where captions come from: the browser's own recognition of speech, or any other thing that writes down what is
 * said. The lane does not mind which.
 */
export type CaptionSource = {
  /**
   * @param say each text, as often as it changes
   * @param ended it has ended by itself
   * @returns what ends it
   */
  begin(say: (caption: Caption) => void, ended: (why: 'refused' | 'failed') => void): () => void
}

/**
 * A source that listens only while it may: a muted microphone is not listened to.
 *
 * @param watch tells at once, and with each change, whether it may; returns what ends that
 */
export function onlyWhile(
  watch: (tell: (may: boolean) => void) => () => void,
  source: CaptionSource,
): CaptionSource {
  return {
    begin(say, ended) {
      let end: (() => void) | undefined
      const follow = (may: boolean) => {
        if (may) end ??= source.begin(say, ended)
        else {
          end?.()
          end = undefined
        }
      }
      const unwatch = watch(follow)
      return () => {
        unwatch()
        follow(false)
      }
    },
  }
}

const linesMax = 3
/** A whole sentence is on screen for so long, after its last word. */
const readMs = 6000

/** The lane of captions: what was said last, for long enough to be read. */
export class Captions {
  readonly #captions: Cell<CaptionsState>
  readonly #clock: Clock
  #end = () => {}
  /** Rises with each source: what an older one still says is of no interest. */
  #count = 0

  constructor(captions: Cell<CaptionsState>, clock: Clock) {
    this.#captions = captions
    this.#clock = clock
  }

  begin(source: CaptionSource): void {
    this.stop()
    const count = this.#count
    this.#captions.set({ on: true, problem: null })
    const end = source.begin(
      (caption) => {
        if (count === this.#count) this.#say(caption)
      },
      (problem) => {
        if (count !== this.#count) return
        this.stop()
        this.#captions.set({ problem })
      },
    )
    if (count === this.#count) this.#end = end
    else end()
  }

  stop(): void {
    this.#count++
    this.#end()
    this.#end = () => {}
    this.#captions.set(initialCaptions)
  }

  #say(caption: Caption): void {
    const { lines } = this.#captions.get()
    const known = lines.some(({ key }) => key === caption.key)
    const next = known
      ? lines.map((line) => (line.key === caption.key ? caption : line))
      : [...lines, caption].slice(-linesMax)
    this.#captions.set({ lines: next })
    if (!caption.final) return
    this.#clock.after(readMs, () => {
      const { lines: now } = this.#captions.get()
      this.#captions.set({ lines: now.filter((line) => line !== caption) })
    })
  }
}
