/** The demo's call and one on the SFU, as a real Prometheus sees them: what boards and rules ask of it has answers. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { silent } from './boards/silent.ts'
import { Watch } from './boards/watch.ts'
import { LiveCall, launchChromium } from './call.ts'
import { type DemoResult, demoCluster, demoNamespace, runDemo, stopDemo } from './demo/demo.ts'

const clusterName = 'boards'
/** One more than the mesh takes; one camera is enough for every figure, and all that the machine has to carry. */
const forum = ['Ada', 'Grace', 'Linh', 'Noor', 'Tove'].map((name, index) => ({
  ...{ name, relay: false },
  camera: index === 0,
}))

describe('boards and rules in a Prometheus that saw the demo', () => {
  let folder: string
  let demo: DemoResult
  let watch: Watch

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-boards-'))
    demo = await runDemo({
      clusterName,
      kubeconfig: join(folder, 'kubeconfig'),
      silent: true,
      beforeCall: async (stack) => {
        watch = await Watch.start({
          ...{ stack, clusterName, namespace: demoNamespace, name: demoCluster },
          folder: join(folder, 'prometheus'),
        })
      },
    })
  }, 15 * 60_000)

  afterAll(async () => {
    await watch?.stop()
    await stopDemo(clusterName)
    await rm(folder, { recursive: true, force: true })
  }, 60_000)

  it('REQ-A4, REQ-S4: every panel and every rule has data', async () => {
    const browser = await launchChromium(demo.webappUrl, { fps: 5 })
    try {
      const call = await LiveCall.start({
        ...{ url: demo.webappUrl, room: 'forum', guests: forum, browser },
        connectTimeoutMs: 180_000,
      })
      // What pages say is counted once a minute.
      expect(await watch.unanswered({ withinMs: 90_000, except: silent })).toEqual([])
      expect(await watch.withoutRows()).toEqual([])
      expect(await watch.complaints()).toEqual([])
      await call.leave()
    } finally {
      await browser.close()
    }
  }, 360_000)
})
