import { expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { errorFromResponse } from '../runtime/errors.ts'
import { InMemoryCluster } from './testing/in-memory.ts'

it('REQ-K1: in a namespace that is being deleted nothing is complained of, and what has gone does not come back', async () => {
  const cluster = new InMemoryCluster(meetingCluster())
  const reconcile = cluster.operator()
  const pass = () => reconcile(InMemoryCluster.KEY, new AbortController().signal)
  await cluster.settle(reconcile)
  const { status } = cluster
  cluster.remove('ConfigMap/demo-turn-config')
  const message =
    'configmaps "demo-turn-config" is forbidden: unable to create new content in namespace meetings because it is being terminated'
  const call = { verb: 'patch', resource: 'configmaps' }
  cluster.refusal = errorFromResponse(403, JSON.stringify({ message }), call)
  expect(await pass()).toEqual({ requeueAfterMs: 60_000 })
  expect(cluster.status).toEqual(status)
  // Somebody who made it again would have it all again.
  cluster.refusal = undefined
  await cluster.settle(reconcile)
  expect(cluster.names).toContain('ConfigMap/demo-turn-config')
})
