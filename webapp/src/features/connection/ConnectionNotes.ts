import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'

/**
 * What a person is told of the connection. `sfu-away`: the SFU is away, and the room is a mesh.
 * `turn-unreachable`: no relay answers, so only direct ways are left. `low-bandwidth`: little gets
 * through, and the picture is smaller for it. `service-away`: the server takes nobody in for now.
 */
export type ConnectionNote = 'sfu-away' | 'turn-unreachable' | 'low-bandwidth' | 'service-away'

/** How long what happened once is shown; the rest is shown for as long as it holds. */
const passingMs: Partial<Record<ConnectionNote, number>> = { 'sfu-away': 15_000 }

type Notes = { notes: readonly ConnectionNote[] }

/** The notes that are shown, each once, in the order in which they came. */
export class ConnectionNotes {
  readonly #cell: Cell<Notes>
  readonly #clock: Clock
  readonly #dismissed = new Set<ConnectionNote>()
  readonly #cancels = new Map<ConnectionNote, () => void>()

  constructor(cell: Pick<Cell<Notes>, 'get' | 'set'>, clock: Clock) {
    this.#cell = cell
    this.#clock = clock
  }

  show(note: ConnectionNote): void {
    if (this.#dismissed.has(note)) return
    const { notes } = this.#cell.get()
    if (!notes.includes(note)) this.#cell.set({ notes: [...notes, note] })
    const ms = passingMs[note]
    this.#cancels.get(note)?.()
    if (ms !== undefined)
      this.#cancels.set(
        note,
        this.#clock.after(ms, () => this.hide(note)),
      )
  }

  /** By hand: it does not come back in this call. */
  dismiss(note: ConnectionNote): void {
    this.#dismissed.add(note)
    this.hide(note)
  }

  /** Of another call nothing is known yet. */
  clear(): void {
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
    this.#dismissed.clear()
    this.#cell.set({ notes: [] })
  }

  hide(note: ConnectionNote): void {
    const { notes } = this.#cell.get()
    if (notes.includes(note)) this.#cell.set({ notes: notes.filter((one) => one !== note) })
  }
}
