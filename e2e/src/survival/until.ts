import { setTimeout as delay } from 'node:timers/promises'

/**
 * Waits for something to become true of a real system. That it cannot be asked is no answer yet.
 * @throws when it does not within `withinMs`, with why it could not be asked, if so
 */
export async function until(condition: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    let cause: unknown
    try {
      if (await condition()) return
    } catch (error) {
      cause = error
    }
    if (Date.now() > deadline)
      throw new Error(`not within ${withinMs / 1000} s: ${condition}`, { cause })
    await delay(250)
  }
}
