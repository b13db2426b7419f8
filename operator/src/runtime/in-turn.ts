/**
 * Runs what it is given, at most `limit` at a time, in the order of the calls.
 * @returns a function that takes a task and settles as the task does
 */
export function takingTurns(limit: number): <R>(task: () => Promise<R>) => Promise<R> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await task()
    } finally {
      // The place is handed on as it is.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
