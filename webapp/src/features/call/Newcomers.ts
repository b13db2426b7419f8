import type { MediaState, Participant } from '@parley/protocol'
import type { Clock } from '../../clock.ts'

/** Nobody is in a room for longer without being shown; a connection to the SFU takes about as long. */
const waitMs = 1000

/**
 * Those who have just come to a room on the SFU, with nothing of them to be seen or heard yet. They are shown when there is,
 * or in a moment: pages that draw somebody, all at once, take the time of the connection that is being made.
 */
export class Newcomers {
  readonly #clock: Clock
  readonly #show: (participant: Participant) => void
  readonly #waiting = new Map<string, { participant: Participant; cancel(): void }>()

  constructor(clock: Clock, show: (participant: Participant) => void) {
    this.#clock = clock
    this.#show = show
  }

  add(participant: Participant): void {
    const { id, media } = participant
    const waiting = this.#waiting.get(id)
    if (isOn(media)) {
      this.#forget(id)
      this.#show(participant)
    } else if (waiting) {
      // Who comes again and again is shown no later than who came once.
      waiting.participant = participant
    } else {
      const cancel = this.#clock.after(waitMs, () => this.#showNow(id))
      this.#waiting.set(id, { participant, cancel })
    }
  }

  /** @returns whether it was one of these */
  mediaChanged(id: string, media: MediaState): boolean {
    const waiting = this.#waiting.get(id)
    if (!waiting) return false
    waiting.participant = { ...waiting.participant, media }
    if (isOn(media)) this.#showNow(id)
    return true
  }

  /** Shown all the same, for that moment: nobody was in the room whom nobody was told of. */
  gone(id: string): void {
    this.#showNow(id)
  }

  /** They are wanted now: all of them. */
  showAll(): void {
    for (const id of [...this.#waiting.keys()]) this.#showNow(id)
  }

  clear(): void {
    for (const id of [...this.#waiting.keys()]) this.#forget(id)
  }

  #showNow(id: string): void {
    const waiting = this.#waiting.get(id)
    this.#forget(id)
    if (waiting) this.#show(waiting.participant)
  }

  #forget(id: string): void {
    this.#waiting.get(id)?.cancel()
    this.#waiting.delete(id)
  }
}

const isOn = ({ audio, video, screen }: MediaState) => audio || video || screen === true
