/** Time as an argument: what code that waits is given, so that a test can turn the hands itself. */
export type Clock = {
  /** Milliseconds since any fixed moment; never goes back. */
  now(): number
  /** Calls `run` once, `ms` milliseconds from now, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/** Waits for something, but no longer than so many milliseconds. Rejects as it does until then. */
export async function within(clock: Clock, ms: number, awaited: Promise<unknown>): Promise<void> {
  let cancel = () => {}
  const over = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve)
  })
  await Promise.race([awaited, over]).finally(() => cancel())
}
