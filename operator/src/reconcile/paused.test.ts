import { expect, it } from '@jest/globals'
import type { MeetingClusterStatus } from '../api/index.ts'
import { meetingCluster } from '../api/testing/specs.ts'
import { Unavailable } from '../runtime/errors.ts'
import { FakeClock } from '../runtime/fake-clock.ts'
import { meetingClusterReconciler, type ReconcilerOptions } from './reconcile.ts'

/** A pass over a MeetingCluster that is paused. @param inspect reads the Secrets that it names */
function paused(inspect: () => Promise<void>) {
  const mc = meetingCluster({ turn: { tls: { secretName: 'cert' } } })
  const cluster = {
    ...mc,
    metadata: { ...mc.metadata, annotations: { 'parley.dev/paused': 'true' } },
  }
  const said: MeetingClusterStatus[] = []
  const reconcile = meetingClusterReconciler({
    client: {
      applyStatus: async (...[, , , { status }]: [unknown, unknown, unknown, typeof mc]) => {
        if (status) said.push(status)
      },
    },
    world: {
      clusters: { get: () => ({ cluster }), observe() {} },
      children: new Map(),
    },
    referenced: { inspect },
    ...{ clock: new FakeClock(), events: { record() {} } },
  } as unknown as ReconcilerOptions)
  const pass = () => reconcile('meetings/demo', new AbortController().signal)
  const conditions = () =>
    said.map(({ conditions = [] }) => conditions.find(({ type }) => type === 'Reconciling')?.reason)
  return { pass, conditions }
}

it('REQ-S4: the Secrets of what is paused are looked at: its certificates end all the same', async () => {
  let looks = 0
  const { pass, conditions } = paused(async () => void looks++)
  expect(await pass()).toEqual({})
  expect([looks, conditions()]).toEqual([1, ['Paused']])
})

it('REQ-S4: it is paused, too, where these cannot be read now, which is tried again', async () => {
  const call = { verb: 'get', resource: 'secrets' }
  const { pass, conditions } = paused(async () => {
    throw new Unavailable('Timeout', 504, call, 'later')
  })
  await expect(pass()).rejects.toBeInstanceOf(Unavailable)
  expect(conditions()).toEqual(['Paused'])
})
