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

/** @throws with where the page is instead, and what it has said of its room so far */
export async function inState(page: Page, state: string): Promise<void> {
  try {
    // Not with every frame, which would make the page draw as many as it can.
    await page.waitForFunction((wanted) => window.__parley?.state === wanted, state, {
      ...{ timeout: 90_000, polling: 100 },
    })
  } catch (cause) {
    const found = await page.evaluate(() => {
      const { state, error, links, timings } = window.__parley ?? {}
      return { state, error, links, timings, shown: document.querySelector('#root')?.textContent }
    })
    throw new Error(`not ${state}: ${JSON.stringify(found)}`, { cause })
  }
}

/**
 * So many others are connected, each with a camera on, and new frames of each arrive. Whoever has just come may be
 * heard of before their camera is.
 */
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
            media.video &&
            framesDecoded > (before.find((p) => p.id === id)?.framesDecoded ?? 0),
        )
      )
    },
    others,
  )
}

/**
 * So many others, all with a camera on, are connected, and the picture of each of whom the page shows plays. Where not all
 * have room in the grid, an SFU sends nothing for the rest.
 */
export function inCompanyOf(page: Page, others: number): Promise<void> {
  return untilPage(
    page,
    `connected with ${others}, and each picture plays that is shown`,
    async (count: number) => {
      const { state, links = [] } = window.__parley ?? {}
      if (state !== 'joined' || links.length !== count) return false
      if (links.some(({ link }) => link !== 'connected')) return false
      const tiles = [...document.querySelectorAll('.stage .tile:not(.own)')]
      const videos = tiles.flatMap((tile) => [...tile.querySelectorAll('video')])
      const framesShown = () =>
        videos.map((video) => video.getVideoPlaybackQuality().totalVideoFrames)
      const before = framesShown()
      await new Promise((resolve) => setTimeout(resolve, 750))
      const after = framesShown()
      return (
        tiles.length > 0 &&
        videos.length === tiles.length &&
        after.every((frames, index) => frames > (before[index] ?? 0))
      )
    },
    others,
  )
}

/** No pictures come of those who are on another page of the grid. */
export function onlyShownSent(page: Page): Promise<void> {
  return untilPage(
    page,
    'pictures of those alone who are shown',
    async () => {
      const shown = [...document.querySelectorAll('.stage .tile')].map(({ ariaLabel }) => ariaLabel)
      const framesOf = async () =>
        ((await window.__parley?.peers()) ?? [])
          .filter(({ name }) => !shown.includes(name))
          .map(({ framesDecoded }) => framesDecoded)
      const before = await framesOf()
      await new Promise((resolve) => setTimeout(resolve, 1000))
      return before.length > 0 && before.join() === (await framesOf()).join()
    },
    undefined,
  )
}

/** Turns the pages of the grid, each of which is as {@link inCompanyOf} wants it. @returns who is shown */
export async function peopleOnPages(page: Page, others: number): Promise<string[]> {
  const names = new Set<string>()
  const further = page.getByRole('button', { name: 'More people' })
  for (;;) {
    await inCompanyOf(page, others)
    const tiles = await page.locator('.stage .tile:not(.own)').all()
    for (const tile of tiles) names.add((await tile.getAttribute('aria-label')) ?? '')
    if ((await further.count()) === 0 || (await further.isDisabled())) return [...names].sort()
    await further.click()
  }
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
    async () => {
      const peers = (await window.__parley?.peers()) ?? []
      return peers.length > 0 && peers.every(({ bytesSent }) => bytesSent > 0)
    },
    undefined,
    { everyMs: 250 },
  )
}

/** Media of everybody comes over the SFU, and no more over the mesh. */
export function overSfu(page: Page): Promise<void> {
  return untilPage(
    page,
    'media over the SFU',
    async () => {
      const peers = (await window.__parley?.peers()) ?? []
      return peers.length > 0 && peers.every(({ bytesSent }) => bytesSent === 0)
    },
    undefined,
    { everyMs: 250 },
  )
}
