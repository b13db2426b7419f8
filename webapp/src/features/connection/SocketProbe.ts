import type { Clock } from '../../clock.ts'

/**
 * A socket that does not answer within this time, while a link is cut, is cut as well; unless the way to the server is
 * slow by itself.
 */
const probeMs = 1000
/** A busy page, whose timer rings later than that, listens once more for as long. */
const probeLateMs = 250

/**
 * Finds out whether a socket is dead, which TCP would in half a minute, and after a long cut take half of its length
 * to mend. One question at a time.
 */
export class SocketProbe {
  readonly #clock: Clock
  #stop: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @param ask whatever it comes to, a refusal too, is an answer
   * @param usualMs that an answer took before: this one has twice that time
   * @param onSilent there was none
   */
  begin(ask: () => Promise<unknown>, usualMs: number, onSilent: () => void): void {
    if (this.#stop) return
    const withinMs = Math.max(probeMs, 2 * usualMs)
    let cancel = () => {}
    const stop = () => {
      cancel()
      if (this.#stop === stop) this.#stop = undefined
    }
    const listen = (again: boolean) => {
      const deadline = this.#clock.now() + withinMs
      cancel = this.#clock.after(withinMs, () => {
        // As in Heartbeat: one that rings late tells of this page, and the answer may be queued behind it.
        if (!again && this.#clock.now() - deadline > probeLateMs) return listen(true)
        stop()
        onSilent()
      })
    }
    this.#stop = stop
    listen(false)
    ask().then(stop, stop)
  }

  /** The socket is another one. */
  cancel(): void {
    this.#stop?.()
  }
}
