/** Runs it when the next picture is due; returns what takes that back. */
export type Later = (run: () => void) => () => void

/**
 * Tells those who draw that something has changed: at once, or once for all that changes until the next picture.
 * What comes over the network changes many things in a few milliseconds, in which a page that joins, or is joined, has
 * better things to do than to draw each of them.
 */
export class Drawing {
  readonly #listeners = new Set<() => void>()
  readonly #later: Later
  #cancel: (() => void) | undefined

  constructor(later: Later) {
    this.#later = later
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  now(): void {
    this.#cancel?.()
    this.#cancel = undefined
    for (const listener of [...this.#listeners]) listener()
  }

  soon(): void {
    this.#cancel ??= this.#later(() => this.now())
  }
}

/** A page that is not seen gets no pictures, but is read, and has a title. */
const unseenMs = 60

export const nextPicture: Later = (run) => {
  const frame = requestAnimationFrame(run)
  const timer = setTimeout(run, unseenMs)
  return () => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
  }
}
