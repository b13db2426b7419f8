import { createHash } from 'node:crypto'
import type {
  V1Container,
  V1PodSpec,
  V1PodTemplateSpec,
  V1Probe,
  V1ResourceRequirements,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node'
import type { Component, MeetingCluster, MeetingClusterSpec } from '../api/index.ts'
import { type ImageName, imageOf, type RenderInputs, type Storage } from './inputs.ts'
import { compact } from './kubernetes.ts'
import { labelsOf, objectName, selectorOf } from './names.ts'
import { rotatingSecrets } from './rotating.ts'

/** The user that every image runs as. */
const NONROOT = 65532

/** Read by owner and group only; the group is the pod's fsGroup. */
const SECRET_MODE = 0o440

/** Says of a pod template what it was made from beyond itself: a change rolls the pods. */
export const CHECKSUM_ANNOTATION = 'parley.dev/config-checksum'

/** On pods that read a rotating Secret once, when they start: the generation that they were started for. */
export const KEYS_GENERATION_ANNOTATION = 'parley.dev/keys-generation'

export interface PodParts {
  component: Component
  image: ImageName
  args?: string[]
  env: V1Container['env'] & object
  ports: V1Container['ports'] & object
  mounts: Mount[]
  probes: { startup?: V1Probe; readiness: V1Probe; liveness: V1Probe }
  terminationGracePeriodSeconds: number
  /** Run before the container is stopped, within the grace period. */
  preStop?: string[]
  /** Content that is mounted, not part of the template, and whose change has to roll the pods. */
  rollsWith?: string
  hostNetwork?: boolean
}

/** A volume, and where the container sees it. */
export interface Mount {
  volume: V1Volume
  mountPath: string
  readOnly?: boolean
}

/** An environment variable with what Kubernetes knows of the pod. */
export function fromPod(name: string, fieldPath: string) {
  return { name, valueFrom: { fieldRef: { fieldPath } } }
}

/** A pod with one container that meets the restricted Pod Security Standard (host network aside). */
export function podTemplate(
  mc: MeetingCluster,
  inputs: RenderInputs,
  parts: PodParts,
): V1PodTemplateSpec {
  const { component } = parts
  const placement = placementOf(mc.spec, component)
  const rollsWith = madeFrom(mc, inputs, parts)
  return {
    metadata: compact({
      labels: labelsOf(mc, component),
      annotations: {
        ...placement.podAnnotations,
        ...(rollsWith === '' ? {} : { [CHECKSUM_ANNOTATION]: checksum(rollsWith) }),
        ...keysGeneration(mc, inputs, component),
      },
    }),
    spec: compact<V1PodSpec>({
      serviceAccountName: objectName(mc, component),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      hostNetwork: parts.hostNetwork || undefined,
      dnsPolicy: parts.hostNetwork ? 'ClusterFirstWithHostNet' : undefined,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: NONROOT,
        runAsGroup: NONROOT,
        fsGroup: NONROOT,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      imagePullSecrets: [...new Set(mc.spec.image.pullSecrets)].map((name) => ({ name })),
      nodeSelector: placement.nodeSelector,
      tolerations: placement.tolerations.map((toleration) => compact(toleration)),
      affinity: placement.affinity as V1PodSpec['affinity'] & object,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: selectorOf(mc, component) },
        },
      ],
      terminationGracePeriodSeconds: parts.terminationGracePeriodSeconds,
      containers: [container(mc, inputs, parts)],
      volumes: parts.mounts.map(({ volume }) => volume),
    }),
  }
}

function container(mc: MeetingCluster, inputs: RenderInputs, parts: PodParts): V1Container {
  return compact<V1Container>({
    name: parts.component,
    image: imageOf(mc, inputs, parts.image),
    imagePullPolicy: mc.spec.image.pullPolicy,
    args: parts.args,
    env: parts.env,
    ports: parts.ports,
    volumeMounts: parts.mounts.map(({ volume, mountPath, readOnly }) =>
      compact<V1VolumeMount>({ name: volume.name, mountPath, readOnly }),
    ),
    startupProbe: parts.probes.startup,
    readinessProbe: parts.probes.readiness,
    livenessProbe: parts.probes.liveness,
    lifecycle: parts.preStop && { preStop: { exec: { command: parts.preStop } } },
    resources: resourcesOf(mc.spec, parts.component),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  })
}

function placementOf(spec: MeetingClusterSpec, component: Component) {
  const { nodeSelector, tolerations, affinity, podAnnotations } = spec[component]
  return { nodeSelector, tolerations, affinity, podAnnotations }
}

/** Quantities as strings, in which form the API server keeps them. */
function resourcesOf(spec: MeetingClusterSpec, component: Component): V1ResourceRequirements {
  const { requests = {}, limits = {} } = spec[component].resources
  return compact<V1ResourceRequirements>({
    requests: mapValues(requests, String),
    limits: mapValues(limits, String),
  })
}

function mapValues<T, U>(record: Record<string, T>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}

/**
 * All that a pod's template does not show. Programs read passwords when they start: were only Redis
 * started again after its Secret was made anew, nothing else could talk to it any more. Those that follow a
 * Secret while they run are not started again for what it holds.
 */
function madeFrom(
  mc: MeetingCluster,
  { secretUids = {}, secretGenerations = {} }: RenderInputs,
  { component, mounts, rollsWith = '' }: PodParts,
): string {
  const followed = new Set(
    rotatingSecrets(mc).flatMap(({ name, followers }) =>
      followers.includes(component) ? [name] : [],
    ),
  )
  const versions = mounts.flatMap(({ volume }) => {
    const name = volume.secret?.secretName ?? ''
    const uid = secretUids[name]
    if (uid === undefined || followed.has(name)) return []
    const generation = secretGenerations[name]
    return generation ? `${uid}.${generation}` : uid
  })
  return [rollsWith, ...versions].join('\n').trimEnd()
}

/** Says of a pod which keys it has read, in words that need no secret. */
function keysGeneration(
  mc: MeetingCluster,
  { secretGenerations = {} }: RenderInputs,
  component: Component,
): Record<string, string> {
  const read = rotatingSecrets(mc).find(({ restarts }) => restarts === component)
  const generation = read && secretGenerations[read.name]
  return generation ? { [KEYS_GENERATION_ANNOTATION]: String(generation) } : {}
}

function checksum(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16)
}

/** Single keys of a Secret (or all that it has) as files of a folder. */
export function secretMount(name: string, secretName: string, keys?: string[]): Mount {
  return {
    volume: {
      name: `${name}-secret`,
      secret: {
        secretName,
        defaultMode: SECRET_MODE,
        ...(keys && { items: keys.map((key) => ({ key, path: key })) }),
      },
    },
    mountPath: `/etc/parley/secrets/${name}`,
    readOnly: true,
  }
}

/** A ConfigMap as a folder; pods see changes of it. */
export function configMapMount(name: string, configMapName: string, mountPath: string): Mount {
  return { volume: { name, configMap: { name: configMapName } }, mountPath, readOnly: true }
}

/** A folder to write to, gone with the pod; in memory where secrets go there. */
export function scratchMount(
  name: string,
  mountPath: string,
  { sizeLimit, inMemory = false }: { sizeLimit: string; inMemory?: boolean },
): Mount {
  return {
    volume: { name, emptyDir: inMemory ? { medium: 'Memory', sizeLimit } : { sizeLimit } },
    mountPath,
  }
}

/** A volume that stays, or one that goes with the pod where the cluster has no storage. */
export function dataMount(claimName: string, mountPath: string, storage: Storage): Mount {
  return {
    volume:
      storage !== 'None'
        ? { name: 'data', persistentVolumeClaim: { claimName } }
        : { name: 'data', emptyDir: {} },
    mountPath,
  }
}

/** Ready and alive over HTTP: `/readyz` and `/healthz`, or one path for both. */
export function httpProbes(port: string, paths: { readiness: string; liveness: string }) {
  return {
    readiness: {
      httpGet: { path: paths.readiness, port },
      periodSeconds: 5,
      timeoutSeconds: 3,
      failureThreshold: 2,
    },
    liveness: {
      httpGet: { path: paths.liveness, port },
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
  } satisfies PodParts['probes']
}
