import { isAbsolute, join } from 'node:path'
import type { KubernetesObject } from '@parley/operator/render'

/** What a rendered container becomes on this machine: a process's environment, and files for it. */
export interface LocalPod {
  env: Record<string, string>
  /** To be written, each for its owner alone. */
  files: { path: string; content: string }[]
  /** To be there, and to be written to. */
  folders: string[]
}

/** What Kubernetes would know of the pod and its node. */
export interface PodFacts {
  /** By field path: `metadata.name`, `spec.nodeName`, `status.hostIP`. */
  fields: Readonly<Record<string, string>>
  /** Texts of the rendering that are other here, such as names of Services with their ports. */
  replace: readonly (readonly [string, string])[]
}

interface Container {
  env?: { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[]
  volumeMounts?: { name: string; mountPath: string }[]
}

interface Volume {
  name: string
  secret?: { secretName?: string; items?: { key: string; path: string }[] }
  configMap?: { name?: string }
}

interface Workload extends KubernetesObject {
  spec: { template: { spec: { containers: Container[]; volumes?: Volume[] } } }
}

/**
 * Takes a Deployment or StatefulSet of the rendering as it is, with the Secrets and ConfigMaps that it mounts, and moves
 * its paths below `root`.
 * @throws RangeError where the rendering has no such object, or asks for what only a cluster knows
 */
export function localPod(
  objects: readonly KubernetesObject[],
  name: string,
  root: string,
  facts: PodFacts,
): LocalPod {
  const { spec } = objectOf<Workload>(objects, ['Deployment', 'StatefulSet'], name)
  const { containers, volumes = [] } = spec.template.spec
  const [container = {}] = containers
  const here = (text: string) =>
    facts.replace.reduce((changed, [from, to]) => changed.replaceAll(from, to), text)

  const pod: LocalPod = { env: {}, files: [], folders: [] }
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const folder = join(root, mountPath)
    const entries = contentOf(
      objects,
      volumes.find((volume) => volume.name === name),
    )
    pod.folders.push(folder)
    for (const [path, content] of entries)
      pod.files.push({ path: join(folder, path), content: here(content) })
  }
  const mounts = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath)
  for (const { name, value, valueFrom } of container.env ?? []) {
    const known = value ?? facts.fields[valueFrom?.fieldRef?.fieldPath ?? '']
    if (known === undefined) throw new RangeError(`${name} comes from a cluster`)
    pod.env[name] = here(below(root, known, mounts))
  }
  return pod
}

/** `/etc/parley/secrets/…` and `sqlite:/var/lib/parley/meter.db`, below another root. */
function below(root: string, value: string, mounts: readonly string[]): string {
  const [, scheme = '', path = ''] = /^([a-z]+:)?(\/.*)$/.exec(value) ?? []
  const mounted = mounts.some((mount) => path === mount || path.startsWith(`${mount}/`))
  return isAbsolute(path) && mounted ? `${scheme}${join(root, path)}` : value
}

/** File names with what stands in them; none for a folder that is only to be there. */
function contentOf(objects: readonly KubernetesObject[], volume: Volume | undefined) {
  if (volume?.configMap?.name)
    return Object.entries(
      objectOf<KubernetesObject & { data: Record<string, string> }>(
        objects,
        ['ConfigMap'],
        volume.configMap.name,
      ).data,
    )
  if (!volume?.secret?.secretName) return []
  const { data } = objectOf<KubernetesObject & { data: Record<string, string> }>(
    objects,
    ['Secret'],
    volume.secret.secretName,
  )
  const items = volume.secret.items ?? Object.keys(data).map((key) => ({ key, path: key }))
  return items.map(
    ({ key, path }) => [path, Buffer.from(data[key] ?? '', 'base64').toString()] as const,
  )
}

function objectOf<T extends KubernetesObject>(
  objects: readonly KubernetesObject[],
  kinds: readonly string[],
  name: string,
): T {
  const found = objects.find(({ kind, metadata }) => kinds.includes(kind) && metadata.name === name)
  if (!found) throw new RangeError(`the rendering has no ${kinds.join(' or ')} ${name}`)
  return found as T
}
