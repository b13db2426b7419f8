import type { Clock } from '../clock.ts'

/** What sockets have left to do when they are gone. */
export type Tasks = {
  /** Work that {@link Tasks.drain} waits for. */
  remember(done: Promise<void>): void
  /** What it need not wait for. */
  later(delayMs: number, task: () => void): void
  drain(): Promise<void>
}

export function tasksOf(clock: Clock): Tasks {
  const pending = new Set<Promise<void>>()
  const timers = new Set<() => void>()
  return {
    remember(done) {
      pending.add(done)
      done.finally(() => pending.delete(done))
    },
    later(delayMs, task) {
      const cancel = clock.after(delayMs, () => {
        timers.delete(cancel)
        task()
      })
      timers.add(cancel)
    },
    async drain() {
      while (pending.size > 0) await Promise.all(pending)
      for (const cancel of timers) cancel()
    },
  }
}
