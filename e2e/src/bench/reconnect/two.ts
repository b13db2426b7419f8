import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { Browser, Page } from 'playwright-core'
import type { Stand } from '../join/stand.ts'
import { watchCuts } from './watch.ts'

/** Two pages in one room, the second of which is the one to be cut, each with moving pictures of the other. */
export async function meet(
  { a, b, origins }: Stand,
  link: (who: string) => string,
  overSfu: boolean,
): Promise<[Page, Page]> {
  const open = async (browser: Browser, who: string) => {
    const context = await browser.newContext({ viewport: { width: 640, height: 480 } })
    for (const origin of origins)
      await context.grantPermissions(['camera', 'microphone'], { origin })
    const page = await context.newPage()
    await watchCuts(page)
    await page.goto(link(who))
    return page
  }
  const pages: [Page, Page] = [await open(a, 'Ana'), await open(b, 'Ben')]
  if (overSfu) {
    // The third moves the room to the SFU, where it stays for a while without them.
    const third = await open(a, 'Kim')
    await untilSeen(third)
    await third.context().close()
  }
  for (const page of pages) await untilSeen(page)
  return pages
}

async function untilSeen(page: Page): Promise<void> {
  await page.waitForFunction(
    () => ((window as unknown as { frames?: unknown[] }).frames?.length ?? 0) > 20,
    undefined,
    { timeout: 60_000 },
  )
}

/** Nothing gets to or from a namespace for a while, and nobody is told: its port of the bridge forwards nothing. */
export async function cutOff(space: string, seconds: number, signal: AbortSignal) {
  const forwards = (on: boolean) =>
    execa('bridge', ['link', 'set', 'dev', space, 'state', on ? '3' : '0'])
  await forwards(false)
  const cutAtMs = Date.now()
  try {
    await sleep(seconds * 1000, undefined, { signal })
  } finally {
    await forwards(true)
  }
  return { cutAtMs, restoredAtMs: Date.now() }
}
