/** From an earlier version to this one while people talk: REQ-K7 and REQ-K1, with real pods on two nodes. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { down } from '@parley/devcluster'
import { Calls, forum, longestFreezeMs, pair, standing } from './survival/calls.ts'
import {
  type Meeting,
  meetingCluster,
  settled,
  startEarlierMeeting,
  upgradeOperator,
} from './survival/meeting.ts'
import { until } from './survival/until.ts'
import { childrenOf, childrenWanted, installDiffers, notUpgraded } from './survival/upgrade.ts'
import { earlierVersion, VersionUnavailable } from './survival/version.ts'

/** Where upgrades begin: what this was on a day. */
const EARLIER = [
  { commit: '233b23ced8b01a8636fbeadbaf11f1310a585c8c', what: 'with meshes alone', hasSfu: false },
  { commit: '82d32b6e7b11600f993a7fcea3b478516d7c4595', what: 'with an SFU', hasSfu: true },
]

describe.each(EARLIER)('an upgrade from $commit, $what', ({ commit, hasSfu }) => {
  const clusterName = 'upgrade'
  const who = hasSfu ? { pair, forum } : { pair }
  let folder: string
  let meeting: Meeting

  beforeAll(async () => {
    const version = await earlierVersion(commit, { hasSfu })
    folder = await mkdtemp(join(tmpdir(), 'parley-upgrade-'))
    const kubeconfig = join(folder, 'kubeconfig')
    meeting = await startEarlierMeeting({ clusterName, kubeconfig, version })
  }, 20 * 60_000)

  afterAll(async () => {
    await meeting?.browser.close()
    await meeting?.api.close()
    await down({ name: clusterName })
    if (folder) await rm(folder, { recursive: true, force: true })
  }, 60_000)

  it('REQ-K7: calls go on, and pods that carry them wait', async () => {
    const calls = await Calls.start(meeting, 'upgrade', who)
    try {
      const outcome = await calls.during('upgrade', async () => {
        await upgradeOperator(meeting)
        await until(async () => (await notUpgraded(meeting)).length === 0, 150_000)
      })
      expect(standing(outcome, longestFreezeMs)).toEqual([])
    } finally {
      await calls.leave().catch(() => calls.close())
    }
  }, 400_000)

  it('REQ-K1: everything is of this version in the end, and nothing else is left', async () => {
    await settled(meeting, 200_000)
    const { metadata, status } = await meetingCluster(meeting)
    expect(status?.observedGeneration).toBe(metadata.generation)
    expect(await notUpgraded(meeting)).toEqual([])
    expect(await childrenOf(meeting)).toEqual(await childrenWanted(meeting))
    expect(await installDiffers(meeting)).toBe('')
  }, 300_000)

  it('REQ-K1: whoever comes now meets on this version', async () => {
    const calls = await Calls.start(meeting, 'after', who)
    await calls.leave()
  }, 180_000)
})

it('REQ-K1: a checkout whose history is too short says what to do', async () => {
  const missing = earlierVersion('0'.repeat(40), { hasSfu: false })
  await expect(missing).rejects.toThrow(VersionUnavailable)
  await expect(missing).rejects.toThrow('git fetch --unshallow')
})
