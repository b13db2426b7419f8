import type { MediaState } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import { isOffline } from '../connection/refusals.ts'

export type ToldMediaOptions = {
  clock: Clock
  /** As it is now. */
  media(): MediaState
  /** Whether the page is in the room, and its socket up. */
  listening(): boolean
  tell(media: MediaState): Promise<void> | undefined
}

/** Until the server, which did not take it, is told again. */
const againMs = 1000

const kinds = ['audio', 'video', 'screen'] as const

const same = (a: MediaState, b: MediaState) =>
  a.e2ee === b.e2ee && kinds.every((kind) => Boolean(a[kind]) === Boolean(b[kind]))

/** What the others know of this page's microphone, camera and screen. */
export class ToldMedia {
  readonly #options: ToldMediaOptions
  #told: MediaState | undefined

  constructor(options: ToldMediaOptions) {
    this.#options = options
  }

  /** The way in says it, too. */
  atJoin(): MediaState {
    this.#told = this.#options.media()
    return this.#told
  }

  /** Tells it where it is news. */
  share(): void {
    const { clock, media: now, listening, tell } = this.#options
    const media = now()
    if (!listening() || (this.#told && same(this.#told, media))) return
    this.#told = media
    tell(media)?.catch((error) => {
      if (this.#told !== media) return
      // Not taken: it is said again. A socket that was lost says it when it is back.
      this.#told = undefined
      if (!isOffline(error)) clock.after(againMs, () => this.share())
    })
  }

  /** Of another room nobody knows anything. */
  forget(): void {
    this.#told = undefined
  }
}
