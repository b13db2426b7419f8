import { type Component, type MeetingCluster, scalingOf } from '../api/index.ts'
import { externalMetricSpecs } from './external-metrics.ts'
import type { RenderInputs } from './inputs.ts'
import { compact, type KubernetesObject } from './kubernetes.ts'
import { metadata, objectName, selectorOf } from './names.ts'

/** Objects that every component has one of. */

/** An identity without rights: nothing in the stack talks to the API server. */
export function buildServiceAccount(mc: MeetingCluster, component: Component) {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata(mc, component),
    automountServiceAccountToken: false,
  }
}

/** Evictions take one pod at a time; pods that are not ready anyway are no obstacle to them. */
export function buildDisruptionBudget(mc: MeetingCluster, component: Component) {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(mc, component),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selectorOf(mc, component) },
    },
  }
}

/** `replicas` of a workload; nothing where an autoscaler sets it. */
export function fixedReplicas(mc: MeetingCluster, component: Component): { replicas?: number } {
  const { replicas } = scalingOf(mc.spec, component)
  return replicas === undefined ? {} : { replicas }
}

/**
 * The autoscaler of a Deployment; undefined where the number of pods is fixed. It goes by CPU, and by what the
 * operator serves where it does: an autoscaler that asks for a metric which nobody serves would never shrink.
 */
export function buildAutoscaler(
  mc: MeetingCluster,
  component: Component,
  { capabilities }: Pick<RenderInputs, 'capabilities'>,
) {
  const scaling = scalingOf(mc.spec, component)
  if (scaling.replicas !== undefined) return undefined
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadata(mc, component),
    spec: {
      scaleTargetRef: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        name: objectName(mc, component),
      },
      minReplicas: scaling.minReplicas,
      maxReplicas: scaling.maxReplicas,
      metrics: [
        {
          type: 'Resource',
          resource: {
            name: 'cpu',
            target: { type: 'Utilization', averageUtilization: scaling.targetCPUUtilization },
          },
        },
        ...(capabilities.externalMetrics ? externalMetricSpecs(mc, component) : []),
      ],
      // Calls outlast peaks: shrink late, and one pod at a time.
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: 300,
          policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }],
        },
      },
    },
  }
}

/** A volume of one pod. */
export function buildClaim(
  mc: MeetingCluster,
  component: Component,
  name: string,
  { size, storageClassName }: { size: string; storageClassName: string },
): KubernetesObject & { spec: object } {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: metadata(mc, component, name),
    spec: compact({
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      storageClassName,
    }),
  }
}

/** Lets a Prometheus operator find the metrics of a component. */
export function buildServiceMonitor(mc: MeetingCluster, component: Component, port = 'http') {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: metadata(mc, component),
    spec: {
      selector: { matchLabels: selectorOf(mc, component) },
      endpoints: [
        {
          port,
          path: '/metrics',
          // What is named alike in the metrics themselves is the same: no second label beside it.
          honorLabels: true,
          relabelings: [{ targetLabel: 'cluster', replacement: mc.metadata.name }],
        },
      ],
    },
  }
}
