import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import type { CallState, Notice } from './callState.ts'

const noticeMs = 4000

/**
 * Who came and who left, each shown for a moment. Those who come soon after another go with them: one line that tells of
 * many does not count down, nor is it read out again for each.
 */
export class RoomNotices {
  readonly #call: Cell<CallState>
  readonly #clock: Clock
  #count = 0
  #burst = { endsAt: Number.NEGATIVE_INFINITY, cancel: () => {} }

  constructor(call: Cell<CallState>, clock: Clock) {
    this.#call = call
    this.#clock = clock
  }

  show(kind: Notice['kind'], name: string): void {
    const last = ++this.#count
    this.#call.set({ notices: [...this.#call.get().notices, { id: last, kind, name }] })
    const now = this.#clock.now()
    // No longer than that, or a room that fills for minutes would be told of for as long.
    if (now >= this.#burst.endsAt) this.#burst = { endsAt: now + noticeMs, cancel: () => {} }
    this.#burst.cancel()
    this.#burst.cancel = this.#clock.after(noticeMs, () => {
      const { notices } = this.#call.get()
      this.#call.set({ notices: notices.filter(({ id }) => id > last) })
    })
  }
}
