import { describe, expect, it } from '@jest/globals'
import {
  addressFindings,
  autoscalerFindings,
  clusterFindings,
  metricsApiFindings,
  operatorFindings,
  plain,
  podFindings,
} from './doctor.ts'

const wrong = <T extends { ok: boolean }>(findings: T[]) => findings.filter(({ ok }) => !ok)
const metadata = { name: 'demo-turn-1', namespace: 'meetings' }

describe('parley doctor', () => {
  it('passes nothing on that a terminal would take for a command', () => {
    expect(plain('no \u001b[31mimage\u001b[0m\r\n\u0007here\u009b2J')).toBe('no image here')
  })

  it('says how to get an operator, and whose log to read where one is not ready', () => {
    expect(operatorFindings([], [])).toMatchObject([
      { ok: false, fix: expect.stringMatching(/install/) },
    ])
    const seenTo = (observedGeneration: number) =>
      [{ metadata: { generation: 2 }, status: { observedGeneration } }] as unknown as Parameters<
        typeof operatorFindings
      >[1]
    expect(operatorFindings([], seenTo(1))).toMatchObject([{ ok: false }])
    expect(operatorFindings([], seenTo(2))).toMatchObject([{ ok: true }])
    const operator = { metadata, spec: { replicas: 2 }, status: { readyReplicas: 1 } }
    expect(operatorFindings([operator], [])).toMatchObject([
      { ok: false, fix: 'kubectl logs -n meetings deployment/demo-turn-1' },
    ])
    expect(wrong(operatorFindings([{ ...operator, status: { readyReplicas: 2 } }], []))).toEqual([])
  })

  it('repeats what each condition that is not met says to do', () => {
    const condition = (type: string, status: string) => ({
      type,
      status,
      reason: 'Why',
      message: `mend ${type}`,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    })
    const mc = (...conditions: object[]) =>
      ({ metadata: { name: 'demo' }, spec: {}, status: { conditions } }) as unknown as Parameters<
        typeof clusterFindings
      >[0]
    const ill = mc(
      condition('Ready', 'False'),
      condition('TurnReady', 'False'),
      condition('RedisReady', 'True'),
      condition('Stalled', 'False'),
    )
    expect(clusterFindings(ill).map(({ fix }) => fix)).toEqual(['mend Ready', 'mend TurnReady'])
    expect(wrong(clusterFindings(mc(condition('Ready', 'True'))))).toEqual([])
    expect(wrong(clusterFindings(mc()))).toHaveLength(1)
    const unmetered = mc(condition('Ready', 'True'), condition('RelayMetered', 'False'))
    expect(wrong(clusterFindings(unmetered)).map(({ fix }) => fix)).toEqual(['mend RelayMetered'])
  })

  it('names pods without a node, without an image, and those that crash', () => {
    const waiting = (reason: string) =>
      podFindings({
        metadata,
        status: {
          containerStatuses: [{ name: 'turn', restartCount: 3, state: { waiting: { reason } } }],
        },
      })
    expect(waiting('ContainerCreating')).toEqual([])
    expect(waiting('ImagePullBackOff')[0]?.fix).toMatch(/spec\.image/)
    expect(waiting('CrashLoopBackOff')[0]?.fix).toMatch(/kubectl logs .*--previous/)
    const conditions = [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes' }]
    expect(podFindings({ metadata, status: { conditions } })[0]?.fix).toBe('0/1 nodes')
  })

  it('says whether autoscalers get the metrics that the operator was told to serve', () => {
    const serving = [
      {
        metadata,
        spec: { template: { spec: { containers: [{ args: ['manager', '--metrics-api'] }] } } },
      },
    ]
    const service = (labels: Record<string, string>, status: string) => ({
      metadata: { name: 'v1beta1.external.metrics.k8s.io', labels },
      spec: { service: { namespace: 'keda', name: 'adapter' } },
      status: { conditions: [{ type: 'Available', status, message: 'no endpoints' }] },
    })
    const ours = { 'app.kubernetes.io/part-of': 'parley' }
    expect(metricsApiFindings([{ metadata }], [])).toEqual([])
    expect(metricsApiFindings(serving, [])).toMatchObject([{ ok: false }])
    expect(metricsApiFindings(serving, [service(ours, 'True')])).toMatchObject([{ ok: true }])
    expect(metricsApiFindings(serving, [service(ours, 'False')])).toMatchObject([
      { ok: false, fix: expect.stringContaining('no endpoints') },
    ])
    expect(metricsApiFindings(serving, [service({}, 'True')])).toMatchObject([
      { ok: true, what: expect.stringContaining('keda/adapter') },
    ])
  })

  it('says what is paused, and what the operator has not acted on yet', () => {
    const ready = { type: 'Ready', status: 'True', reason: 'Available', message: '' }
    const mc = (observedGeneration: number, reason: string, said: object = ready) =>
      ({
        metadata: { name: 'demo', namespace: 'meetings', generation: 2 },
        spec: {},
        status: {
          observedGeneration,
          conditions: [said, { type: 'Reconciling', status: 'False', reason, message: '' }],
        },
      }) as unknown as Parameters<typeof clusterFindings>[0]
    expect(clusterFindings(mc(2, 'Done'))).toEqual([
      { ok: true, what: 'MeetingCluster meetings/demo is ready' },
    ])
    expect(clusterFindings(mc(1, 'Done'))).toMatchObject([
      { ok: false, what: expect.stringContaining('has not acted on its newest spec') },
    ])
    const failed = { type: 'Ready', status: 'False', reason: 'InternalError', message: 'report it' }
    expect(clusterFindings(mc(1, 'Done', { ...failed, observedGeneration: 2 }))).toMatchObject([
      { what: expect.stringContaining('has not acted on its newest spec') },
      { what: expect.stringContaining('InternalError'), fix: 'report it' },
    ])
    expect(clusterFindings(mc(1, 'Done', { ...failed, observedGeneration: 1 }))).toHaveLength(1)
    // It never will while it is paused.
    expect(clusterFindings(mc(1, 'Paused'))).toEqual([
      {
        ok: true,
        what: 'MeetingCluster meetings/demo is paused: nothing is changed until parley resume demo',
      },
    ])
  })

  it('names autoscalers of ours that have nothing to go by, with the fix', () => {
    const autoscaler = (
      message: string,
      reason = 'FailedGetResourceMetric',
      partOf = 'parley',
    ) => ({
      metadata: {
        name: 'demo-turn',
        namespace: 'meetings',
        labels: { 'app.kubernetes.io/part-of': partOf, 'app.kubernetes.io/component': 'turn' },
      },
      status: { conditions: [{ type: 'ScalingActive', status: 'False', reason, message }] },
    })
    const fixes = (...all: Parameters<typeof autoscaler>[]) =>
      autoscalerFindings(all.map((each) => autoscaler(...each))).map(({ fix }) => fix)
    expect(fixes(['missing request for cpu in container turn of Pod x'])).toEqual([
      expect.stringMatching(/^give spec\.turn\.resources\.requests a cpu/),
    ])
    expect(fixes(['could not find the requested resource (get pods.metrics.k8s.io)'])).toEqual([
      expect.stringMatching(/metrics-server/),
    ])
    expect(fixes(['did not receive metrics'])).toEqual(['did not receive metrics'])
    expect(fixes(['x', 'ScalingDisabled'], ['x', 'FailedGetResourceMetric', 'other'])).toEqual([])
    expect(autoscalerFindings(undefined)).toEqual([])
  })

  it('names nodes that have media pods and that no client can reach', () => {
    const mc = (externalAddresses: string[]) =>
      ({
        metadata: { name: 'demo', namespace: 'meetings' },
        spec: { turn: { externalAddresses, exposure: 'HostNetwork' } },
      }) as unknown as Parameters<typeof addressFindings>[0][number]
    const labels = { 'parley.dev/cluster': 'demo', 'app.kubernetes.io/component': 'turn' }
    const pod = (nodeName: string) => ({ metadata: { ...metadata, labels }, spec: { nodeName } })
    const node = (name: string, type: string) => ({
      metadata: { name },
      status: { addresses: [{ type, address: '192.0.2.1' }] },
    })
    const nodes = [node('public', 'ExternalIP'), node('private', 'InternalIP')]
    const pods = [pod('public'), pod('private'), pod('')]
    expect(addressFindings([mc([])], pods, nodes).map(({ what }) => what)).toEqual([
      expect.stringContaining('node private'),
    ])
    expect(addressFindings([mc(['192.0.2.9'])], pods, nodes)).toEqual([])
    expect(addressFindings([mc([])], pods, undefined)).toEqual([])
  })
})
