/**
 * What the connections of a page take of memory (REQ-W2), in a mesh: `node webapp/src/testing/memory.ts`. All processes of a
 * Chromium with one page are counted, each page of memory by the share that is theirs (PSS), alone and then with one, two
 * and three others, who are in another Chromium.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { startMeetingRig } from './meetingRig.ts'
import { inCallWith, inState } from './pages.ts'

/** Until buffers are as large as they get. */
const settleMs = 10_000

const rig = await startMeetingRig(4)
const server = await rig.start(0)
const [measured, elsewhere] = await Promise.all([launchChromium({ fps: 20 }), launchChromium()])
try {
  const page = await enter(measured, 'Ana')
  for (const [others, name] of [undefined, 'Minh', 'Kofi', 'Lan'].entries()) {
    if (name) await enter(elsewhere, name)
    if (others > 0) await inCallWith(page, others)
    await pause(settleMs)
    console.log(`${others} connections: ${await megabytesOf(measured)} MB`)
  }
} finally {
  await Promise.all([measured.close(), elsewhere.close()])
  await server.close()
  await rig.clean()
}

async function enter(browser: Browser, name: string): Promise<Page> {
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] })
  const page = await context.newPage()
  await page.goto(`${server.url}/r/memory?name=${name}&autojoin=1`)
  await inState(page, 'joined')
  return page
}

async function megabytesOf(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const kilobytes = processInfo.map(async ({ id }) => {
    const rollup = await readFile(`/proc/${id}/smaps_rollup`, 'utf8')
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1])
  })
  const sum = (await Promise.all(kilobytes)).reduce((all, one) => all + one, 0)
  return Math.round(sum / 1024)
}
