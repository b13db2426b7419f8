import type { Page } from 'playwright-core'

declare global {
  interface Window {
    watched: {
      /** How long each task took in which the page could answer nothing, of those above 50 ms. */
      tasksMs: number[]
      /** When a key last went down, and a button last changed its name. */
      keyAt: number
      buttonAt: number
    }
  }
}

/** Before the page is loaded: how soon it answers is measured from then on. */
export async function watchPage(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const watched = { tasksMs: [] as number[], keyAt: 0, buttonAt: 0 }
    window.watched = watched
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) watched.tasksMs.push(duration)
    }).observe({ type: 'longtask' })
    const pressed = ({ timeStamp }: KeyboardEvent) => {
      watched.keyAt = timeStamp
    }
    addEventListener('keydown', pressed, { capture: true })
    const changed = (changes: MutationRecord[]) => {
      if (!changes.some(({ target }) => target instanceof HTMLButtonElement)) return
      watched.buttonAt = performance.now()
    }
    new MutationObserver(changed).observe(document, {
      subtree: true,
      attributeFilter: ['aria-label'],
    })
  })
}

/** Mutes and unmutes so many times. @returns from each key to the changed button, in ms */
export async function pressesOf(page: Page, count: number): Promise<number[]> {
  const taken: number[] = []
  for (let index = 0; index < count; index++) {
    await page.keyboard.press('m')
    await page.waitForFunction(() => window.watched.buttonAt > window.watched.keyAt)
    taken.push(await page.evaluate(() => window.watched.buttonAt - window.watched.keyAt))
    // Each at another phase of whatever timers run.
    await page.waitForTimeout(100 + ((index * 37) % 100))
  }
  return taken
}
