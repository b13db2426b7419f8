import type { V1EnvVar } from '@kubernetes/client-node'
import { type MediaPods, mediaPodsFile } from '@parley/protocol'
import { capacityFigures } from '@parley/relay-cost'
import { durationSeconds, type MeetingCluster, scalingOf } from '../api/index.ts'
import { buildClaim, buildDisruptionBudget, buildServiceAccount } from './common.ts'
import type { RenderInputs } from './inputs.ts'
import type { ConfigMap, Deployment, KubernetesObject, Service } from './kubernetes.ts'
import { pricePreset } from './limitations.ts'
import {
  claimNames,
  configMapNames,
  METER_PORT,
  metadata,
  namespaceOf,
  secretNames,
  selectorOf,
} from './names.ts'
import {
  configMapMount,
  dataMount,
  httpProbes,
  type Mount,
  podTemplate,
  scratchMount,
  secretMount,
} from './pod.ts'
import { redisAccess } from './redis.ts'
import { counts } from './signaling.ts'

const podsFolder = '/etc/parley/media-pods'

/**
 * The meter: one pod. A store on a volume has one writer; in a database two meters would agree, but
 * one is enough.
 */
export function renderMeter(mc: MeetingCluster, inputs: RenderInputs): KubernetesObject[] {
  const { store } = mc.spec
  return [
    buildServiceAccount(mc, 'meter'),
    ...(store.mode === 'Embedded' && inputs.capabilities.storage.meter === 'Volume'
      ? [buildClaim(mc, 'meter', claimNames(mc).meter, store)]
      : []),
    buildMediaPods(mc, inputs),
    buildMeterService(mc),
    buildMeterDeployment(mc, inputs),
    buildDisruptionBudget(mc, 'meter'),
  ]
}

/**
 * Where the pods of TURN and the SFU are: what the meter knows node hours and zones from, so that it needs no
 * rights at the API server.
 */
export function buildMediaPods(mc: MeetingCluster, inputs: RenderInputs): ConfigMap {
  const told: MediaPods = {
    turnMbps: scalingOf(mc.spec, 'turn').targetRelayMbps ?? capacityFigures.turnMbpsPerPod.value,
    pods: (inputs.mediaPods ?? []).map((pod) => {
      const labels = inputs.nodes[pod.node]?.labels ?? {}
      const zone = labels['topology.kubernetes.io/zone']
      const instanceType = labels['node.kubernetes.io/instance-type']
      return { ...pod, ...(zone && { zone }), ...(instanceType && { instanceType }) }
    }),
  }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(mc, 'meter', configMapNames(mc).mediaPods),
    data: { [mediaPodsFile]: `${JSON.stringify(told, null, 2)}\n` },
  }
}

export function buildMeterService(mc: MeetingCluster): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(mc, 'meter'),
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(mc, 'meter'),
      // One that is not ready has most to say: what is wrong, and what it has counted.
      publishNotReadyAddresses: true,
      ports: [{ name: 'http', protocol: 'TCP', port: METER_PORT, targetPort: 'http' }],
    },
  }
}

export function buildMeterDeployment(mc: MeetingCluster, inputs: RenderInputs): Deployment {
  const store = storeOf(mc, inputs)
  const prices = pricesOf(mc)
  const redis = redisAccess(mc)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(mc, 'meter'),
    spec: {
      replicas: 1,
      revisionHistoryLimit: 3,
      selector: { matchLabels: selectorOf(mc, 'meter') },
      strategy: { type: 'Recreate' },
      template: podTemplate(mc, inputs, {
        component: 'meter',
        image: 'parley-node',
        args: ['meter'],
        env: [
          { name: 'METER_PORT', value: String(METER_PORT) },
          { name: 'PARLEY_CLUSTER', value: mc.metadata.name },
          { name: 'PARLEY_NAMESPACE', value: namespaceOf(mc) },
          { name: 'PARLEY_REGION', value: mc.spec.region },
          ...store.env,
          ...prices.env,
          ...redis.env,
          { name: 'METER_TOKEN_FILE', value: '/etc/parley/secrets/meter/token' },
          { name: 'METER_PODS_FILE', value: `${podsFolder}/${mediaPodsFile}` },
          ...(counts(mc) ? [] : [{ name: 'METRICS_ENABLED', value: 'false' }]),
        ],
        ports: [{ name: 'http', protocol: 'TCP', containerPort: METER_PORT }],
        mounts: [
          ...redis.mounts,
          secretMount('meter', secretNames(mc).meterToken, ['token']),
          configMapMount('media-pods', configMapNames(mc).mediaPods, podsFolder),
          ...store.mounts,
          ...prices.mounts,
          scratchMount('tmp', '/tmp', { sizeLimit: '64Mi' }),
        ],
        probes: httpProbes('http', { readiness: '/readyz', liveness: '/healthz' }),
        terminationGracePeriodSeconds: 30,
      }),
    },
  }
}

interface Part {
  env: V1EnvVar[]
  mounts: Mount[]
}

function storeOf(mc: MeetingCluster, inputs: RenderInputs): Part {
  const { store } = mc.spec
  if (store.mode === 'MySQL') {
    // All of its keys: which of them it has is for the one to say who made it.
    const mount = secretMount('mysql', store.mysql.secretName)
    return { env: [{ name: 'METER_STORE_FOLDER', value: mount.mountPath }], mounts: [mount] }
  }
  return {
    env: [
      { name: 'METER_STORE', value: 'sqlite:/var/lib/parley/meter.db' },
      // Beside the store: where there is no volume for that, files would go with the pod.
      { name: 'METER_REPORTS_DIR', value: '/var/lib/parley/reports' },
      {
        name: 'METER_REPORT_INTERVAL',
        value: `${Math.ceil(durationSeconds(mc.spec.cost.reportInterval) / 60)}m`,
      },
    ],
    mounts: [dataMount(claimNames(mc).meter, '/var/lib/parley', inputs.capabilities.storage.meter)],
  }
}

function pricesOf(mc: MeetingCluster): Part {
  const { configMap } = mc.spec.cost.prices
  if (configMap === undefined) {
    return {
      env: [{ name: 'METER_PRICES_PRESET', value: pricePreset(mc) }],
      mounts: [],
    }
  }
  return {
    env: [{ name: 'METER_PRICES_FILE', value: '/etc/parley/prices/prices.yaml' }],
    mounts: [configMapMount('prices', configMap, '/etc/parley/prices')],
  }
}
