import { setTimeout as delay } from 'node:timers/promises'

/** Waits for something to become true of a real system. @throws when it does not within `withinMs` */
export async function until(condition: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs / 1000} s: ${condition}`)
    await delay(250)
  }
}
