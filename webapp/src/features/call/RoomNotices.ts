import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import type { CallState, Notice } from './callState.ts'

const noticeMs = 4000

/** Who came and who left, each shown for a moment. */
export class RoomNotices {
  readonly #call: Cell<CallState>
  readonly #clock: Clock
  #count = 0

  constructor(call: Cell<CallState>, clock: Clock) {
    this.#call = call
    this.#clock = clock
  }

  show(kind: Notice['kind'], name: string): void {
    const notice = { id: ++this.#count, kind, name }
    this.#call.set({ notices: [...this.#call.get().notices, notice] })
    this.#clock.after(noticeMs, () => {
      const { notices } = this.#call.get()
      this.#call.set({ notices: notices.filter(({ id }) => id !== notice.id) })
    })
  }
}
