import type { Page } from 'playwright-core'

/**
 * Waits until an async question to the page is answered yes. Playwright's waitForFunction is of no
 * use for that: it takes the promise for the answer.
 */
export async function untilPage<A>(
  page: Page,
  what: string,
  holds: (argument: A) => Promise<boolean | undefined>,
  argument: A,
  { withinMs = 60_000, everyMs = 50 } = {},
): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await page.evaluate(holds as never, argument))) {
    if (Date.now() > end) {
      const peers = await page.evaluate(() => window.__parley?.peers())
      throw new Error(`not within ${withinMs} ms: ${what}; peers: ${JSON.stringify(peers)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

export async function inState(page: Page, state: string): Promise<void> {
  await page.waitForFunction((wanted) => window.__parley?.state === wanted, state, {
    timeout: 90_000,
  })
}

/** So many others are connected, and new frames of each who has a camera on arrive. */
export function inCallWith(page: Page, others: number): Promise<void> {
  return untilPage(
    page,
    `in a call with ${others}`,
    async (count: number) => {
      const before = await window.__parley?.peers()
      if (before?.length !== count) return false
      await new Promise((resolve) => setTimeout(resolve, 500))
      const after = (await window.__parley?.peers()) ?? []
      return (
        after.length === count &&
        after.every(
          ({ id, link, media, framesDecoded }) =>
            link === 'connected' &&
            (!media.video || framesDecoded > (before.find((p) => p.id === id)?.framesDecoded ?? 0)),
        )
      )
    },
    others,
  )
}

export function mediaSeen(page: Page, name: string, audio: boolean, video: boolean): Promise<void> {
  return untilPage(
    page,
    `${name} has audio ${audio} and video ${video}`,
    async (wanted: { name: string; audio: boolean; video: boolean }) =>
      (await window.__parley?.peers())?.some(
        (p) =>
          p.name === wanted.name &&
          p.media.audio === wanted.audio &&
          p.media.video === wanted.video,
      ),
    { name, audio, video },
  )
}

/** Media goes to everybody directly. */
export function overMesh(page: Page): Promise<void> {
  return untilPage(
    page,
    'media over the mesh',
    async () => (await window.__parley?.peers())?.every(({ bytesSent }) => bytesSent > 0),
    undefined,
  )
}

/** Media of everybody comes over the SFU, and no more over the mesh. */
export function overSfu(page: Page): Promise<void> {
  return untilPage(
    page,
    'media over the SFU',
    async () => (await window.__parley?.peers())?.every(({ bytesSent }) => bytesSent === 0),
    undefined,
  )
}
