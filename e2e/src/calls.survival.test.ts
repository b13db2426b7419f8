/** Calls go on through whatever happens to the stack: REQ-K7, with real pods on two nodes. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { down } from '@parley/devcluster'
import { Calls, forum, longestFreezeMs, standing } from './survival/calls.ts'
import {
  hangApiServer,
  killOperator,
  letsIn,
  type Meeting,
  name,
  namespace,
  newest,
  patchSpec,
  podsOf,
  rotate,
  secondsToReplace,
  settled,
  startMeeting,
  upgradeOperator,
} from './survival/meeting.ts'
import { callOnEachSfuPod, killWithin, sfuPodOf } from './survival/sfu.ts'
import { until } from './survival/until.ts'

const clusterName = 'survival'
/** After so long without a word LiveKit itself gives up a pod, and only then lets people begin anew elsewhere. */
const liveKitNoticesMs = 5_000

describe('a relayed call and an SFU call go on', () => {
  let folder: string
  let meeting: Meeting
  /** Held from one test to the next where nothing waits for their end. */
  let calls: Calls | undefined

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-survival-'))
    meeting = await startMeeting({ clusterName, kubeconfig: join(folder, 'kubeconfig') })
  }, 5 * 60_000)

  afterAll(async () => {
    await meeting?.browser.close()
    await meeting?.api.close()
    await down({ name: clusterName })
    await rm(folder, { recursive: true, force: true })
  }, 60_000)

  /** Does something to the stack: meanwhile everybody sees everybody, and no video stands still for long. */
  const through = async (
    label: string,
    change: () => Promise<void>,
    settleMs?: number,
    longestMs = longestFreezeMs,
  ) => {
    calls ??= await Calls.start(meeting, label)
    try {
      const outcome = await calls.during(label, change, settleMs)
      expect(standing(outcome, longestMs)).toEqual([])
    } catch (error) {
      // The next test begins with calls that are well, and pods wait for nobody who has gone without a word.
      await calls.leave().catch(() => calls?.close())
      calls = undefined
      throw error
    }
  }

  /** Pods on their way out wait for it. */
  const end = async () => {
    await calls?.leave()
    calls = undefined
  }

  const turnLeaves = async () => (await podsOf(meeting, 'turn')).some(({ leaving }) => leaving)

  it('REQ-K7: when the operator is killed and then upgraded', async () => {
    const before = await podsOf(meeting, 'turn')
    await through('operator', async () => {
      await killOperator(meeting)
      await upgradeOperator(meeting)
    })
    // The spec names the images, so another operator changes nothing of what runs.
    expect(await podsOf(meeting, 'turn')).toEqual(before)
  }, 180_000)

  it('REQ-H6: when parts of monitoring are turned off, and on again, each with the pods of signaling alone and in less than five minutes', async () => {
    const others = async () => {
      const all = ['turn', 'sfu', 'meter', 'redis', 'webapp'].map((one) => podsOf(meeting, one))
      return (await Promise.all(all)).flat()
    }
    const before = await others()
    await through('parts', async () => {
      for (const monitoring of [
        { http: false },
        { http: true, calls: false },
        { calls: true, admin: false },
        { admin: true },
      ]) {
        const seconds = await secondsToReplace(meeting, 'signaling', { monitoring })
        process.stderr.write(`${JSON.stringify(monitoring)}: ${seconds.toFixed(1)} s\n`)
        expect(seconds).toBeLessThan(5 * 60)
      }
    })
    expect(await others()).toEqual(before)
  }, 1_200_000)

  it('REQ-K7: when Redis restarts', async () => {
    await through('redis', async () => {
      await meeting.stack.kubectl(['delete', 'pod', `${name}-redis-0`, '-n', namespace])
      await settled(meeting)
    })
  }, 180_000)

  it('REQ-K7: when the API server answers nobody for a minute, after which the operator goes on by itself', async () => {
    const account = ['serviceaccount', `${name}-meter`, '-n', namespace]
    await through('api', () =>
      hangApiServer(meeting, 60_000, async () =>
        expect(await letsIn(meeting, 'meanwhile')).toBe(true),
      ),
    )
    await settled(meeting)
    await meeting.stack.kubectl(['delete', ...account])
    await until(async () => {
      await meeting.stack.kubectl(['get', ...account])
      return true
    })
  }, 300_000)

  it('REQ-K3: when the secrets are rotated', async () => {
    const secret = `${name}-turn-secret`
    const before = await newest(meeting, secret, 'secrets')
    await through('rotation', async () => {
      await rotate(meeting)
      await until(async () => (await newest(meeting, secret, 'secrets')) !== before, 120_000)
    })
    await end()
    await settled(meeting)
  }, 300_000)

  it('REQ-K8: of two SFU pods each has a call, and both calls work', async () => {
    const both = await callOnEachSfuPod(meeting)
    try {
      for (const call of both) await call.resetFreezes()
      await until(async () => {
        const seen = (await Promise.all(both.map((call) => call.freezes()))).flat(2)
        return seen.length === 12 && seen.every(({ framesDecoded }) => framesDecoded > 10)
      })
      for (const call of both) await call.leave()
    } finally {
      for (const call of both) await call.close()
    }
  }, 180_000)

  it('REQ-K7: when an SFU pod is killed without a drain, and theirs is the one', async () => {
    await end()
    calls = await Calls.start(meeting, 'kill', { forum })
    const theirs = await sfuPodOf(meeting, calls.room('forum'))
    // Signaling knows a pod once it has seen it for five seconds.
    await delay(6_000)
    await through('kill', () => killWithin(meeting, theirs), 10_000, liveKitNoticesMs)
    await end()
    await until(async () => {
      const pods = await podsOf(meeting, 'sfu')
      return pods.some(({ pod, restarts }) => pod === theirs && restarts === 1)
    })
    await settled(meeting)
  }, 180_000)

  it('REQ-K7: when the SFU is scaled from two pods to one, and theirs is the one to go', async () => {
    await through('scale', async () => {
      const theirs = await sfuPodOf(meeting, calls?.room('forum') ?? '')
      await meeting.stack.kubectl([
        ...['annotate', 'pod', theirs, '-n', namespace],
        'controller.kubernetes.io/pod-deletion-cost=-1',
      ])
      await patchSpec(meeting, { sfu: { replicas: 1 } })
      let leaving: string[] = []
      await until(async () => {
        const pods = await podsOf(meeting, 'sfu')
        leaving = pods.filter((sfu) => sfu.leaving).map(({ pod }) => pod)
        return leaving.length > 0
      })
      expect(leaving).toEqual([theirs])
    })
    await end()
    await settled(meeting)
    expect(await podsOf(meeting, 'sfu')).toHaveLength(1)
  }, 180_000)

  it('REQ-K7: when the image of coturn, and of all the rest, changes', async () => {
    const before = await podsOf(meeting, 'turn')
    const changed = async () => {
      await patchSpec(meeting, { image: { tag: meeting.tags.next } })
      await until(turnLeaves, 180_000)
    }
    await through('image', changed, 10_000)
    await end()
    await settled(meeting)
    const after = await podsOf(meeting, 'turn')
    expect(after.map(({ pod }) => pod)).not.toEqual(before.map(({ pod }) => pod))
  }, 420_000)

  it('REQ-K7: when the node of the TURN server is drained', async () => {
    const node = (await podsOf(meeting, 'turn'))[0]?.node ?? ''
    const how = ['--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=180s']
    let drained: Promise<string> | undefined
    const begun = async () => {
      drained = meeting.stack.kubectl(['drain', node, ...how])
      // It is waited for below; if that is not come to, the cluster goes before it has ended.
      drained.catch(() => {})
      await until(turnLeaves, 180_000)
    }
    await through('drain', begun, 15_000)
    await end()
    await drained
    await meeting.stack.kubectl(['uncordon', node])
    await settled(meeting)
  }, 420_000)

  it('REQ-K7: real media pods go at the word of kubectl parley drain', async () => {
    const [turn] = await podsOf(meeting, 'turn')
    expect(await meeting.stack.parley(['drain', turn?.pod ?? ''])).toMatch(/-turn-\S+ +gone/)
    const [sfu] = await podsOf(meeting, 'sfu')
    expect(await meeting.stack.parley(['drain', sfu?.pod ?? ''])).toMatch(/-sfu-\S+ +gone/)
    await settled(meeting)
  }, 300_000)
})
