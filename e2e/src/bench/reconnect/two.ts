import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { NETWORK } from '../join/lab.ts'
import type { Stand } from '../join/stand.ts'
import { watchCuts } from './watch.ts'

/**
 * Two pages in one room, the second of which is the one to be cut, each with moving pictures of the other.
 *
 * @param prepare done with each of their contexts, before there is a page in it
 */
export async function meet(
  { a, b, origins }: Stand,
  link: (who: string) => string,
  overSfu: boolean,
  prepare: (context: BrowserContext) => Promise<void> = async () => {},
): Promise<[Page, Page]> {
  const open = async (browser: Browser, who: string) => {
    const context = await browser.newContext({ viewport: { width: 640, height: 480 } })
    await prepare(context)
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

/**
 * Nothing gets to or from a namespace for a while, and nobody is told: its port of the bridge forwards nothing.
 *
 * @param space the second of a lab
 */
export async function cutOff(space: string, seconds: number, signal: AbortSignal) {
  const lab = space.replace(/-b$/, '')
  for (const where of [[], ['-netns', `${lab}-a`], ['-netns', `${lab}-b`]])
    await keepNeighbours(where)
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

/**
 * Who has which address of the lab stays known, as it does where a way is cut further away than at the next box. After 8 s
 * without an answer Linux would forget, and ask anew once a second: whatever is sent after the restore would wait for
 * the next time.
 */
async function keepNeighbours(where: readonly string[]): Promise<void> {
  const { stdout } = await execa('ip', [...where, '-json', 'neighbour', 'show', 'to', NETWORK])
  for (const { dst, dev, lladdr } of JSON.parse(stdout || '[]') as Neighbour[])
    if (lladdr) {
      const entry = [dst, 'lladdr', lladdr, 'dev', dev, 'nud', 'permanent']
      await execa('ip', [...where, 'neighbour', 'replace', ...entry])
    }
}

type Neighbour = { dst: string; dev: string; lladdr?: string }
