import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { renderMeetingCluster } from './render.ts'
import {
  buildSfuConfig,
  buildSfuDeployment,
  buildSfuService,
  renderSfu,
  sfuAddresses,
} from './sfu.ts'
import { renderInputs } from './testing/inputs.ts'
import { buildTurnConfig } from './turn.ts'

const inputs = renderInputs()
const sfu = (spec: object) => meetingCluster({ sfu: { engine: 'LiveKit', ...spec } })

describe('the SFU pods', () => {
  const { spec } = buildSfuDeployment(
    sfu({ ports: { min: 40000, max: 41023 }, drainTimeout: '90m' }),
    inputs,
  )
  const pod = spec.template.spec
  const [container] = pod?.containers ?? []
  const env = Object.fromEntries((container?.env ?? []).map((e) => [e.name, e.value]))

  it('REQ-K4: take media on the ports asked for', () => {
    expect(env).toMatchObject({
      SFU_MEDIA_MIN: '40000',
      SFU_MEDIA_MAX: '41023',
      SFU_REGION: 'eu-central-1',
    })
  })

  it('share the network of the node, and declare its ports so that no two meet on one', () => {
    expect(pod).toMatchObject({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' })
    const ports = container?.ports?.map(({ protocol, hostPort }) => `${protocol} ${hostPort}`)
    expect(ports).toEqual(['TCP 7880', 'TCP 7881', 'TCP 6789', 'UDP 39936', 'UDP 40960'])
  })

  it('REQ-K7: are replaced one by one, the new one first where there is a node for it', () => {
    const strategy = (replicas: number) =>
      buildSfuDeployment(sfu({ replicas }), inputs).spec.strategy?.rollingUpdate
    expect(strategy(2)).toEqual({ maxSurge: 0, maxUnavailable: 1 })
    expect(strategy(1)).toEqual({ maxSurge: 1, maxUnavailable: 0 })
  })

  it('REQ-K7: are rolled when the spec gives them another address', () => {
    const checksum = (spec: object) =>
      buildSfuDeployment(sfu(spec), inputs).spec.template.metadata?.annotations
    expect(checksum({ externalAddresses: ['203.0.113.9'] })).not.toEqual(checksum({}))
  })

  it('REQ-K7: have as long to go as the drain timeout says, and a little to say goodbye', () => {
    expect(env.SFU_DRAIN_SECONDS).toBe('5400')
    expect(pod?.terminationGracePeriodSeconds).toBe(5430)
  })

  it('REQ-K7: are alive as long as LiveKit answers, and ready while it is fresh in Redis', () => {
    const command = (probe: 'livenessProbe' | 'readinessProbe' | 'startupProbe') =>
      container?.[probe]?.exec?.command?.at(-1)
    expect(command('livenessProbe')).toBe('alive')
    expect(command('readinessProbe')).toBe('ready')
    expect(command('startupProbe')).toBe('ready')
  })

  it('REQ-K2: have the reference size and number by default', () => {
    const deployment = buildSfuDeployment(sfu({}), inputs)
    expect(deployment.spec.replicas).toBeUndefined()
    expect(deployment.spec.template.spec?.containers[0]?.resources).toEqual({
      requests: { cpu: '2', memory: '4Gi' },
      limits: { cpu: '4', memory: '8Gi' },
    })
    const autoscaler = renderSfu(sfu({}), inputs).find(
      ({ kind }) => kind === 'HorizontalPodAutoscaler',
    ) as KubernetesObject & { spec: object }
    expect(autoscaler.spec).toMatchObject({
      minReplicas: 3,
      maxReplicas: 10,
      metrics: [{ resource: { target: { averageUtilization: 70 } } }],
    })
  })
})

describe('where clients reach the SFU', () => {
  const { nodes } = inputs
  const addresses = (spec: object) => sfuAddresses(meetingCluster(spec), nodes)

  it('is the ExternalIP of the node, and nowhere without one', () => {
    expect(addresses({})).toEqual({ n1: '198.51.100.11' })
    const { data } = buildSfuConfig(sfu({}), inputs)
    expect(JSON.parse(data['addresses.json'] ?? '')).toEqual({ n1: '198.51.100.11' })
  })

  it('is what the spec says: of the SFU, else of TURN on the same network, never of a load balancer', () => {
    const externalAddresses = ['203.0.113.1', '203.0.113.2']
    const both = { n1: '203.0.113.1', n2: '203.0.113.2' }
    expect(addresses({ turn: { externalAddresses } })).toEqual(both)
    expect(addresses({ turn: { externalAddresses, exposure: 'LoadBalancer' } })).toEqual({
      n1: '198.51.100.11',
    })
    const own = { turn: { externalAddresses: ['203.0.113.9'] }, sfu: { externalAddresses } }
    expect(addresses(own)).toEqual(both)
  })

  it('is for signaling any pod, behind one name', () => {
    const { spec } = buildSfuService(sfu({}))
    expect(spec).toMatchObject({ type: 'ClusterIP' })
    expect(spec?.ports?.map(({ name, port }) => `${name} ${port}`)).toEqual([
      'http 7880',
      'metrics 6789',
    ])
  })
})

it('REQ-K1: Prometheus finds the metrics of LiveKit at their own port', () => {
  const capabilities = { ...inputs.capabilities, serviceMonitor: true }
  const { objects } = renderMeetingCluster(sfu({}), { ...inputs, capabilities })
  const monitor = objects.find(
    ({ kind, metadata }) => kind === 'ServiceMonitor' && metadata.name === 'demo-sfu',
  )
  expect(monitor).toMatchObject({ spec: { endpoints: [{ port: 'metrics', path: '/metrics' }] } })
})

it('REQ-K3: TURN relays to the SFU wherever that is, and nowhere else in the same network', () => {
  const mc = sfu({ externalAddresses: ['192.168.7.1', '192.168.7.2'] })
  const allowed = buildTurnConfig(mc, inputs).data['allowed-peers']?.trim().split('\n')
  expect(allowed).toEqual(expect.arrayContaining(['10.1.0.11', '192.168.7.1', '192.168.7.2']))
  expect(allowed?.filter((peer) => peer.startsWith('192.168.'))).toHaveLength(2)
  const elsewhere = { nodeSelector: { media: 'yes' } }
  const kept = meetingCluster({ turn: elsewhere, sfu: { ...mc.spec.sfu, ...elsewhere } })
  const onOne = buildTurnConfig(kept, { ...inputs, mediaNodes: ['n2'] }).data['allowed-peers']
  expect(onOne).toBe('10.1.0.12\n192.168.7.2\n')
})

describe('without LiveKit', () => {
  it.each(['None', 'Mediasoup'] as const)(
    'REQ-K1: engine %s deploys nothing of an SFU',
    (engine) => {
      const mc = meetingCluster({ sfu: { engine } })
      const { objects, held } = renderMeetingCluster(mc, inputs)
      const text = JSON.stringify([...objects, ...held])
      expect(text).not.toMatch(/demo-sfu|livekit|SFU_UPSTREAM/)
      expect(text).toContain('{"name":"PARLEY_SFU","value":"None"}')
    },
  )
})

it('REQ-K8: signaling knows of LiveKit and its keys, and the web page passes its sockets on', () => {
  const text = JSON.stringify(renderMeetingCluster(sfu({}), inputs).objects)
  expect(text).toContain('{"name":"PARLEY_SFU","value":"LiveKit"}')
  expect(text).toContain(
    '{"name":"PARLEY_SFU_KEYS_FILE","value":"/etc/parley/secrets/livekit/keys"}',
  )
  expect(text).toContain('{"name":"PARLEY_SFU_API","value":"http://demo-sfu.meetings.svc:7880"}')
  expect(text).toContain('{"name":"SFU_UPSTREAM","value":"demo-sfu.meetings.svc:7880"}')
})
