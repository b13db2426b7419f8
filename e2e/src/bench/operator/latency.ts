import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  type K8sObject,
  MEETING_CLUSTERS,
  type Resource,
  SERVICES,
} from '@parley/operator/runtime'
import { CLUSTER_NAME, type Plane } from './plane.ts'
import { Watcher } from './watcher.ts'

const TIMEOUT_MS = 20_000

/** Writes what an operator would have to write next: plain apply, for a baseline. */
export type Follow = (namespace: string, resource: Resource, name: string) => Promise<unknown>

/**
 * One after the other: a spec is changed, and the Deployment that shows the change is waited for. From when the
 * change is sent to when the bench's own watch has the new child.
 *
 * @param follow where no operator runs: writes the Deployment
 * @returns ms
 */
export async function measureChanges(
  plane: Plane,
  namespaces: readonly string[],
  samples: number,
  follow?: Follow,
): Promise<number[]> {
  const child = `${CLUSTER_NAME}-signaling`
  const seen = new Awaited()
  const watcher = await Watcher.start(
    ...([plane.client, DEPLOYMENTS, { metadataOnly: true }] as const),
    (type, { metadata }) => {
      if (type === 'MODIFIED' && metadata.name === child) seen.tell(metadata.namespace ?? '')
    },
  )
  try {
    return await measure(samples, async (sample) => {
      const namespace = namespaces[sample % namespaces.length] ?? ''
      const maxParticipants = 5 + (Math.floor(sample / namespaces.length) % 3)
      const updated = seen.once(namespace)
      await plane.client.mergePatch(MEETING_CLUSTERS, namespace, CLUSTER_NAME, {
        spec: { mesh: { maxParticipants } },
      })
      await follow?.(namespace, DEPLOYMENTS, child)
      await updated
    })
  } finally {
    await watcher.stop()
  }
}

/**
 * One after the other: a child is deleted, and the new one is waited for.
 *
 * @param follow where no operator runs: makes it anew
 * @returns ms
 */
export async function measureRepairs(
  plane: Plane,
  namespaces: readonly string[],
  samples: number,
  follow?: Follow,
): Promise<number[]> {
  const children: [Resource, string][] = [
    [SERVICES, `${CLUSTER_NAME}-signaling`],
    [DEPLOYMENTS, `${CLUSTER_NAME}-webapp`],
  ]
  const seen = new Awaited()
  const watchers = await Promise.all(
    children.map(([resource, child]) =>
      Watcher.start(plane.client, resource, { metadataOnly: true }, (type, { metadata }) => {
        if (type === 'ADDED' && metadata.name === child) seen.tell(metadata.namespace ?? '')
      }),
    ),
  )
  try {
    return await measure(samples, async (sample) => {
      const namespace = namespaces[(sample * 7) % namespaces.length] ?? ''
      const [resource, name] = children[sample % children.length] ?? [SERVICES, '']
      const { metadata } = await plane.client.get<K8sObject>(resource, namespace, name)
      const restored = seen.once(namespace)
      const started = performance.now()
      await plane.client.delete(resource, namespace, name, metadata.uid ?? '')
      await follow?.(namespace, resource, name)
      await restored
      return started
    })
  } finally {
    await Promise.all(watchers.map((watcher) => watcher.stop()))
  }
}

/** @param act may return when the clock starts, if later than its call */
async function measure(
  samples: number,
  act: (sample: number) => Promise<number | undefined | undefined>,
): Promise<number[]> {
  const times: number[] = []
  for (let sample = 0; sample < samples; sample++) {
    const called = performance.now()
    const started = (await act(sample)) ?? called
    times.push(performance.now() - started)
    // So that a sample does not pay for what the one before left to do: a status, and the watches that bring it.
    await new Promise((resolve) => setTimeout(resolve, 60 + (sample % 10)))
  }
  return times
}

/** What is waited for, by key. */
class Awaited {
  readonly #waiting = new Map<string, () => void>()

  once(key: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`nothing happened in ${key} for ${TIMEOUT_MS / 1000} s`)),
        TIMEOUT_MS,
      )
      this.#waiting.set(key, () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  tell(key: string): void {
    this.#waiting.get(key)?.()
    this.#waiting.delete(key)
  }
}

/** Changes content of some children behind the operator's back. */
export async function handEdits(plane: Plane, namespaces: readonly string[]) {
  const objects = await plane.children(namespaces[0] ?? '')
  const kinds = [CONFIG_MAPS, SERVICES, DEPLOYMENTS].map((resource) => {
    // Of a ConfigMap whose keys are the same in every MeetingCluster.
    const object = objects.find(
      ({ kind, metadata }) =>
        kind === resource.kind &&
        (kind !== 'ConfigMap' || metadata.name === `${CLUSTER_NAME}-turn-config`),
    ) as AnyObject
    if (!object) throw new Error(`no ${resource.kind} to edit`)
    return { resource, name: object.metadata.name as string, ...contentEdit(object) }
  })
  const made = namespaces.slice(0, 30).flatMap((namespace, index) => {
    const kind = kinds[index % kinds.length]
    return kind ? [{ ...kind, namespace }] : []
  })
  for (const { resource, namespace, name, patch } of made)
    await plane.client.mergePatch(resource, namespace, name, patch)
  return {
    count: made.length,
    /** How many still are as they were edited to be. */
    left: async () => {
      let left = 0
      for (const { resource, namespace, name, isEdited } of made) {
        const object = await plane.client.get<K8sObject>(resource, namespace, name)
        if (isEdited(object as AnyObject)) left++
      }
      return left
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: looks into objects of several kinds
type AnyObject = any

function contentEdit({ kind, data }: AnyObject): {
  patch: object
  isEdited: (object: AnyObject) => boolean
} {
  switch (kind) {
    case 'ConfigMap': {
      const key = Object.keys(data)[0] ?? ''
      return {
        patch: { data: { [key]: 'edited' } },
        isEdited: ({ data }) => data[key] === 'edited',
      }
    }
    case 'Service':
      return {
        patch: { metadata: { labels: { 'app.kubernetes.io/part-of': 'edited' } } },
        isEdited: ({ metadata }) => metadata.labels['app.kubernetes.io/part-of'] === 'edited',
      }
    default:
      return {
        patch: { spec: { template: { spec: { terminationGracePeriodSeconds: 7 } } } },
        isEdited: ({ spec }) => spec.template.spec.terminationGracePeriodSeconds === 7,
      }
  }
}
