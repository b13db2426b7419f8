import { hasLiveKit, type MeetingCluster, SFU_PORTS } from '../api/index.ts'
import {
  buildAutoscaler,
  buildDisruptionBudget,
  buildServiceAccount,
  fixedReplicas,
} from './common.ts'
import type { RenderInputs } from './inputs.ts'
import type { ConfigMap, Deployment, KubernetesObject, Service } from './kubernetes.ts'
import { configMapNames, metadata, secretNames, selectorOf } from './names.ts'
import { nodeAddresses } from './node-addresses.ts'
import { configMapMount, fromPod, podTemplate, scratchMount, secretMount } from './pod.ts'
import { hostPort, mediaPorts } from './ports.ts'
import { drainTimes, hostNetworkStrategy } from './rollout.ts'

export const { http: SFU_PORT, metrics: SFU_METRICS_PORT } = SFU_PORTS

/** LiveKit: a Deployment on the host network, because media ports come by the thousand. */
export function renderSfu(mc: MeetingCluster, inputs: RenderInputs): KubernetesObject[] {
  if (!hasLiveKit(mc)) return []
  const autoscaler = buildAutoscaler(mc, 'sfu', inputs)
  return [
    buildServiceAccount(mc, 'sfu'),
    buildSfuConfig(mc, inputs),
    buildSfuService(mc),
    buildSfuDeployment(mc, inputs),
    buildDisruptionBudget(mc, 'sfu'),
    ...(autoscaler ? [autoscaler] : []),
  ]
}

/** Read when a pod starts: it waits until its node is in there. */
export function buildSfuConfig(mc: MeetingCluster, inputs: RenderInputs): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(mc, 'sfu', configMapNames(mc).sfu),
    data: { 'addresses.json': `${JSON.stringify(sfuAddresses(mc, inputs.nodes), null, 2)}\n` },
  }
}

/** By node, as {@link nodeAddresses} has it; what the spec says is of the SFU, else of TURN. */
export function sfuAddresses(
  mc: MeetingCluster,
  nodes: RenderInputs['nodes'],
): Record<string, string> {
  return nodeAddresses(givenAddresses(mc), nodes)
}

/** Those of TURN are of the nodes, too, unless they may be of a load balancer. */
function givenAddresses({ spec: { sfu, turn } }: MeetingCluster): readonly string[] {
  const ofTurn = turn.exposure === 'LoadBalancer' ? [] : turn.externalAddresses
  return sfu.externalAddresses.length > 0 ? sfu.externalAddresses : ofTurn
}

/** Any pod takes any participant's signaling, and finds the pod with the room through Redis. */
export function buildSfuService(mc: MeetingCluster): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(mc, 'sfu'),
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(mc, 'sfu'),
      ports: [
        { name: 'http', protocol: 'TCP', port: SFU_PORT, targetPort: 'http' },
        { name: 'metrics', protocol: 'TCP', port: SFU_METRICS_PORT, targetPort: 'metrics' },
      ],
    },
  }
}

export function buildSfuDeployment(mc: MeetingCluster, inputs: RenderInputs): Deployment {
  const { region, sfu } = mc.spec
  // After the drain, LiveKit says goodbye to those who are left.
  const drain = drainTimes(sfu.drainTimeout)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(mc, 'sfu'),
    spec: {
      ...fixedReplicas(mc, 'sfu'),
      revisionHistoryLimit: 3,
      progressDeadlineSeconds: drain.progressDeadlineSeconds,
      selector: { matchLabels: selectorOf(mc, 'sfu') },
      strategy: hostNetworkStrategy(mc, 'sfu', inputs),
      template: podTemplate(mc, inputs, {
        component: 'sfu',
        image: 'parley-livekit',
        hostNetwork: true,
        env: [
          fromPod('NODE_NAME', 'spec.nodeName'),
          fromPod('HOST_IP', 'status.hostIP'),
          { name: 'SFU_PORT', value: String(SFU_PORT) },
          { name: 'SFU_TCP_PORT', value: String(SFU_PORTS.media) },
          { name: 'SFU_METRICS_PORT', value: String(SFU_METRICS_PORT) },
          { name: 'SFU_MEDIA_MIN', value: String(sfu.ports.min) },
          { name: 'SFU_MEDIA_MAX', value: String(sfu.ports.max) },
          { name: 'SFU_REGION', value: region },
          { name: 'SFU_DRAIN_SECONDS', value: String(drain.seconds) },
        ],
        ports: [
          hostPort('http', 'TCP', SFU_PORT),
          hostPort('media-tcp', 'TCP', SFU_PORTS.media),
          hostPort('metrics', 'TCP', SFU_METRICS_PORT),
          ...mediaPorts(sfu.ports),
        ],
        mounts: [
          secretMount('livekit', secretNames(mc).livekit, ['keys']),
          secretMount('redis', secretNames(mc).redis, ['url']),
          configMapMount('sfu-config', configMapNames(mc).sfu, '/etc/parley/sfu'),
          scratchMount('run', '/run/livekit', { sizeLimit: '16Mi', inMemory: true }),
          scratchMount('tmp', '/tmp', { sizeLimit: '16Mi' }),
        ],
        probes: {
          // As long as a node may take to get its address, and Redis to come up.
          startup: { ...check('ready'), periodSeconds: 2, failureThreshold: 1800 },
          readiness: { ...check('ready'), periodSeconds: 5, failureThreshold: 2 },
          // LiveKit's own health check fails while Redis is away: no reason to end calls.
          liveness: { ...check('alive'), periodSeconds: 20, failureThreshold: 6 },
        },
        terminationGracePeriodSeconds: drain.terminationGracePeriodSeconds,
        // LiveKit takes its external address when it starts. Of nodes it rarely changes, and then the old one is
        // dead; what somebody writes into the spec is rolled out, so that rooms are waited for.
        rollsWith: JSON.stringify(givenAddresses(mc)),
      }),
    },
  }
}

const check = (what: 'ready' | 'alive') => ({
  exec: { command: ['/usr/local/bin/sfu-check', what] },
  timeoutSeconds: 3,
})
