import { expect, it } from '@jest/globals'
import { refusedPods } from './refused-pods.ts'

const said = (problem: string, ready = 0) =>
  refusedPods({ turn: { desired: 1, ready, problem } }).map(
    ({ reason, message }) => `${reason}: ${message}`,
  )
const forbidden = (why: string, pod = 'demo-turn-1-x') => `pods "${pod}" is forbidden: ${why}`

it.each([
  [
    'exceeded quota: few, requested: pods=1',
    'QuotaExceeded: turn: its pods are refused: exceeded quota: few, requested: pods=1: raise the quota, or ask for less in spec.turn',
  ],
  [
    'violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    'ApplyFailed: turn: its pods are refused: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true): TURN and the SFU are on the network of their nodes; label the namespace pod-security.kubernetes.io/enforce=privileged',
  ],
  [
    'maximum cpu usage per Pod is 1, but limit is 4',
    'ApplyFailed: turn: its pods are refused: maximum cpu usage per Pod is 1, but limit is 4',
  ],
])('REQ-K1: why pods are refused is said, in the same words for each pod: %s', (why, expected) => {
  expect(said(forbidden(why))).toEqual([expected])
  expect(said(forbidden(why, 'demo-turn-1-y'))).toEqual([expected])
  expect(said(forbidden(why), 1)).toEqual([])
})

it('what goes by is not said, nor other troubles as a refusal', () => {
  expect(said(forbidden('error looking up service account ns/demo-turn: not found'))).toEqual([])
  expect(said('ReplicaSet "demo-turn-1" has timed out progressing.')).toEqual([])
  expect(refusedPods({})).toEqual([])
})
