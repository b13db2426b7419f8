/** Time as an argument, so that grace periods and leases can be tested without waiting. */
export type Clock = {
  /** Epoch milliseconds. */
  now(): number
  /** Runs `task` once after `ms`; the returned function cancels it. */
  after(ms: number, task: () => void): () => void
}

/** The machine's clock. Its timers never keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    // Longer delays overflow the timer and would fire at once: a drain of 30 days would end before it began.
    const timer = setTimeout(task, Math.min(ms, 0x7fffffff))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
