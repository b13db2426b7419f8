import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import type { BrowserContext, Page } from 'playwright-core'
import { launchProfile } from './testing/chromium.ts'
import { startMeetingRig } from './testing/meetingRig.ts'
import { inState } from './testing/pages.ts'

type Compiled = { name: string; args?: { data?: { url?: string; consumedCacheSize?: number } } }

/** What a page that is opened meanwhile compiles, by file, and how much of it was there already. */
async function compiledBy(page: Page, open: () => Promise<unknown>): Promise<Map<string, number>> {
  const session = await page.context().newCDPSession(page)
  const kept = new Map<string, number>()
  session.on('Tracing.dataCollected', ({ value }) => {
    for (const { name, args } of value as unknown as Compiled[]) {
      const file = /\/assets\/(\w+)-[^/]+\.js$/.exec(args?.data?.url ?? '')?.[1]
      // What is compiled lazily later takes nothing of it.
      if (file && name.startsWith('v8.compile'))
        kept.set(file, Math.max(kept.get(file) ?? 0, args?.data?.consumedCacheSize ?? 0))
    }
  })
  const traceConfig = { includedCategories: ['v8', 'disabled-by-default-v8.compile'] }
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig })
  await open()
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.end')
  await complete
  return kept
}

it('REQ-W2: who has joined before has a browser that keeps the code of it compiled', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-profile-'))
  const rig = await startMeetingRig(3)
  const server = await rig.start(0)
  let context: BrowserContext | undefined
  try {
    context = await launchProfile(folder)
    const visit = async <A>(during: (page: Page, open: () => Promise<unknown>) => Promise<A>) => {
      const page = await (context as BrowserContext).newPage()
      const visited = await during(page, async () => {
        await page.goto(`${server.url}/r/compiled?name=Ana&autojoin=1`)
        await inState(page, 'joined')
        await page.getByRole('button', { name: 'Leave' }).waitFor()
      })
      await page.close()
      return visited
    }
    // Chromium keeps what is opened a second time.
    for (let nth = 0; nth < 3; nth++) await visit((_page, open) => open())
    const kept = await visit(compiledBy)
    for (const file of ['first', 'join', 'page', 'call', 'room'])
      expect({ file, kept: (kept.get(file) ?? 0) > 0 }).toEqual({ file, kept: true })
  } finally {
    await context?.close()
    await server.close()
    await rig.clean()
    await rm(folder, { recursive: true, force: true })
  }
}, 120_000)
