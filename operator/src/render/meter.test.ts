import { expect, it } from '@jest/globals'
import { mediaPodsFile, mediaPodsSchema } from '@parley/protocol'
import { meetingCluster } from '../api/testing/specs.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { buildMeterDeployment, buildMeterService, renderMeter } from './meter.ts'
import { renderInputs } from './testing/inputs.ts'

const withStorage = renderInputs()
const withoutStorage = renderInputs({
  capabilities: {
    ...{ serviceMonitor: false, externalMetrics: false },
    storage: { redis: 'Volume', meter: 'None' },
  },
})
const env = (spec: Parameters<typeof meetingCluster>[0]) =>
  Object.fromEntries(
    buildMeterDeployment(
      meetingCluster(spec),
      withStorage,
    ).spec.template.spec?.containers[0]?.env?.map(({ name, value }) => [name, value]) ?? [],
  )

it('the meter has one pod, and the old one ends before the new one opens the store', () => {
  expect(buildMeterDeployment(meetingCluster(), withStorage).spec).toMatchObject({
    replicas: 1,
    strategy: { type: 'Recreate' },
  })
})

it('the store is on a volume of the size asked for', () => {
  const mc = meetingCluster({ store: { size: '3Gi', storageClassName: 'fast' } })
  const claim = renderMeter(mc, withStorage).find(({ kind }) => kind === 'PersistentVolumeClaim')
  expect(claim).toMatchObject({
    metadata: { name: 'demo-meter-store' },
    spec: { storageClassName: 'fast', resources: { requests: { storage: '3Gi' } } },
  })
  expect(dataVolume(renderMeter(mc, withStorage))).toEqual({
    name: 'data',
    persistentVolumeClaim: { claimName: 'demo-meter-store' },
  })
})

it('the store goes with the pod where the cluster has no storage', () => {
  const objects = renderMeter(meetingCluster(), withoutStorage)
  expect(objects.map(({ kind }) => kind)).not.toContain('PersistentVolumeClaim')
  expect(dataVolume(objects)).toEqual({ name: 'data', emptyDir: {} })
})

it('REQ-K5: the store waits for its class rather than go with the pod, and no claim is made before', () => {
  const inputs = renderInputs()
  inputs.capabilities.storage = { redis: 'Volume', meter: 'Awaited' }
  const objects = renderMeter(meetingCluster({ store: { storageClassName: 'fast' } }), inputs)
  expect(objects.map(({ kind }) => kind)).not.toContain('PersistentVolumeClaim')
  expect(dataVolume(objects)).toEqual({
    name: 'data',
    persistentVolumeClaim: { claimName: 'demo-meter-store' },
  })
})

it('a store in MySQL is what its Secret says, and needs no volume', () => {
  const mc = meetingCluster({ store: { mode: 'MySQL', mysql: { secretName: 'mine' } } })
  const objects = renderMeter(mc, withStorage)
  expect(objects.map(({ kind }) => kind)).not.toContain('PersistentVolumeClaim')
  const pod = buildMeterDeployment(mc, withStorage).spec.template.spec
  const folder = '/etc/parley/secrets/mysql'
  expect(pod?.containers[0]?.env).toContainEqual({ name: 'METER_STORE_FOLDER', value: folder })
  expect(pod?.containers[0]?.volumeMounts).toContainEqual(
    expect.objectContaining({ mountPath: folder, readOnly: true }),
  )
  expect(pod?.volumes).toContainEqual({
    name: 'mysql-secret',
    secret: { secretName: 'mine', defaultMode: 0o440 },
  })
  expect(JSON.stringify(pod)).not.toContain('METER_STORE"')
})

it('report files are on the volume of the store, as often as asked for', () => {
  expect(env({ cost: { reportInterval: '1h30m' } })).toMatchObject({
    METER_REPORTS_DIR: '/var/lib/parley/reports',
    METER_REPORT_INTERVAL: '90m',
  })
  const mysql = env({ store: { mode: 'MySQL', mysql: { secretName: 'mine' } } })
  expect(mysql).not.toHaveProperty('METER_REPORTS_DIR')
})

it('the meter is told where the pods of TURN and the SFU are, and in which zones', () => {
  const since = '2026-11-21T10:00:00Z'
  const inputs = renderInputs({
    nodes: {
      n1: {
        internal: [],
        labels: {
          'topology.kubernetes.io/zone': 'eu-central-1a',
          'node.kubernetes.io/instance-type': 'c6i.large',
          other: 'x',
        },
      },
      n2: { internal: [] },
    },
    mediaPods: [
      { pod: 'demo-sfu-x', component: 'sfu', node: 'n2', since },
      { pod: 'demo-turn-x', component: 'turn', node: 'n1', since },
    ],
  })
  const told = (mc = meetingCluster()) => {
    const config = renderMeter(mc, inputs).find(({ kind }) => kind === 'ConfigMap')
    const { data } = config as KubernetesObject & { data: Record<string, string> }
    return mediaPodsSchema.parse(JSON.parse(data[mediaPodsFile] ?? ''))
  }
  expect(told()).toEqual({
    turnMbps: 400,
    pods: [
      { pod: 'demo-sfu-x', component: 'sfu', node: 'n2', since },
      {
        ...{ pod: 'demo-turn-x', component: 'turn', node: 'n1', since },
        ...{ zone: 'eu-central-1a', instanceType: 'c6i.large' },
      },
    ],
  })
  const autoscaling = { minReplicas: 1, maxReplicas: 2, targetRelayMbps: 900 }
  expect(told(meetingCluster({ turn: { autoscaling } })).turnMbps).toBe(900)
  expect(env({}).METER_PODS_FILE).toBe(`/etc/parley/media-pods/${mediaPodsFile}`)
})

it('the meter is asked for what it knows also while it is not ready', () => {
  expect(buildMeterService(meetingCluster()).spec.publishNotReadyAddresses).toBe(true)
})

it('prices are the preset named, that of the region, or a fallback', () => {
  const preset = (spec: object) => env(spec).METER_PRICES_PRESET
  expect(preset({ cost: { prices: { preset: 'cloudflare/global' } } })).toBe('cloudflare/global')
  expect(preset({ region: 'eu-west-1' })).toBe('aws/eu-west-1')
  expect(preset({ region: 'home' })).toBe('aws/us-east-1')
})

it('prices come from a ConfigMap where one is named', () => {
  const vars = env({ cost: { prices: { configMap: 'mine' } } })
  expect(vars).toMatchObject({ METER_PRICES_FILE: '/etc/parley/prices/prices.yaml' })
  expect(vars).not.toHaveProperty('METER_PRICES_PRESET')
})

function dataVolume(objects: KubernetesObject[]) {
  const deployment = objects.find(({ kind }) => kind === 'Deployment') as ReturnType<
    typeof buildMeterDeployment
  >
  return deployment.spec.template.spec?.volumes?.find(({ name }) => name === 'data')
}
