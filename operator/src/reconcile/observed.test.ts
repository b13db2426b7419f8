import { describe, expect, it } from '@jest/globals'
import { projectNode, projectPod } from './observed.ts'

function problemOf(status: object, metadata: object = {}): string | undefined {
  const pod = { metadata: { name: 'demo-turn-x', namespace: 'n', ...metadata }, status }
  return projectPod(pod).problem
}

const waiting = (reason: string) => ({
  containerStatuses: [{ image: 'registry/parley-coturn:typo', state: { waiting: { reason } } }],
})

describe('what keeps a pod from starting', () => {
  it.each([
    ['ErrImagePull', 'image registry/parley-coturn:typo cannot be pulled: check spec.image'],
    ['ImagePullBackOff', 'image registry/parley-coturn:typo cannot be pulled: check spec.image'],
    ['CrashLoopBackOff', 'kubectl logs demo-turn-x --previous says why'],
    ['CreateContainerConfigError', 'kubectl describe pod demo-turn-x says why'],
  ])('%s is said with what to do', (reason, message) => {
    expect(problemOf(waiting(reason))).toContain(message)
  })

  it('a node that is missing is said with the scheduler’s reason', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', message: 'no free ports' }]
    expect(problemOf({ conditions })).toBe('pod demo-turn-x has no node: no free ports')
  })

  it('a pod that starts, runs or goes has none', () => {
    expect(problemOf({})).toBeUndefined()
    expect(problemOf(waiting('ContainerCreating'))).toBeUndefined()
    expect(
      problemOf(waiting('ErrImagePull'), { deletionTimestamp: '2026-11-21T12:00:00Z' }),
    ).toBeUndefined()
  })
})

describe('since when a node has a pod', () => {
  const sinceOf = (component: string, phase: string) =>
    projectPod({
      metadata: { name: 'x', labels: { 'app.kubernetes.io/component': component } },
      status: { phase, startTime: '2026-11-21T12:00:00Z' },
    } as never).since

  it('REQ-K5: is known of TURN and the SFU, until they have ended', () => {
    expect(sinceOf('turn', 'Running')).toBe('2026-11-21T12:00:00Z')
    expect(sinceOf('sfu', 'Pending')).toBe('2026-11-21T12:00:00Z')
    expect(sinceOf('turn', 'Failed')).toBeUndefined()
    expect(sinceOf('webapp', 'Running')).toBeUndefined()
  })
})

describe('the addresses of a node', () => {
  it('are those that are addresses, whatever its kubelet says', () => {
    const all = ['203.0.113.7', '2001:db8::7', '0.0.0.0/0', 'a"b', '192.0.2.1\n0.0.0.0-9.9.9.9', '']
    const addresses = all.flatMap((address) => [
      { type: 'ExternalIP', address },
      { type: 'InternalIP', address },
    ])
    const node = projectNode({ metadata: { name: 'n' }, status: { addresses } } as never)
    expect(node.external).toEqual(['203.0.113.7', '2001:db8::7'])
    expect(node.internal).toEqual(['203.0.113.7', '2001:db8::7'])
  })
})
