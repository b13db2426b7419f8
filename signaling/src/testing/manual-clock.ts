import type { Clock } from '../clock.ts'

export type ManualClock = Clock & {
  /** Moves time on, running what falls due in its order. */
  advance(ms: number): void
}

/** A clock that stands until it is told to move. */
export function manualClock(start = 1_800_000_000_000): ManualClock {
  let now = start
  let timers: { at: number; task: () => void }[] = []
  return {
    now: () => now,
    after(ms, task) {
      const timer = { at: now + ms, task }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance(ms) {
      const end = now + ms
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (!next) break
        timers = timers.filter((timer) => timer !== next)
        now = next.at
        next.task()
      }
      now = end
    },
  }
}
