/** npm passes on to what it runs a Ctrl-C that the terminal has told it already: nobody has pressed twice so fast. */
const echoMs = 1000

/**
 * What to do on signals: `first` at the first, `again` at each that comes later than an echo of it.
 * @param now in milliseconds
 */
export function interrupts(first: () => void, again: () => void, now: () => number): () => void {
  let firstAt: number | undefined
  return () => {
    if (firstAt === undefined) {
      firstAt = now()
      first()
    } else if (now() - firstAt >= echoMs) again()
  }
}
