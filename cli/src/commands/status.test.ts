import { expect, it } from '@jest/globals'
import { type ClusterStatus, statusOf, theOneCalled } from './status.ts'

const cluster = (namespace: string, name: string): ClusterStatus => ({
  namespace,
  name,
  region: 'eu-central-1',
  ready: false,
  conditions: [],
  components: {},
  endpoints: {},
  relay: null,
})

it('a name is looked for in every namespace', () => {
  const all = [cluster('a', 'demo'), cluster('b', 'small')]
  expect(theOneCalled('small', all)).toBe(all[1])
})

it('a name that is not there, or there twice, is answered with what there is', () => {
  const all = [cluster('a', 'demo'), cluster('b', 'demo')]
  expect(() => theOneCalled('demo', all)).toThrow(/demo in a, b; say which with --namespace/)
  expect(() => theOneCalled('prod', all)).toThrow(/no MeetingCluster prod.*a\/demo, b\/demo/)
  expect(() => theOneCalled('prod', [])).toThrow(/none at all/)
})

it('a MeetingCluster that no operator has looked at is not ready', () => {
  const mc = { metadata: { name: 'demo' }, spec: { region: 'eu' } } as Parameters<
    typeof statusOf
  >[0]
  expect(statusOf(mc)).toMatchObject({ namespace: 'default', ready: false, relay: null })
})
