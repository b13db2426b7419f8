import type { Logger } from 'pino'
import type { MeetingCluster } from '../api/index.ts'
import { rotatingSecrets } from '../render/index.ts'
import type { ApiClient } from '../runtime/client.ts'
import { ApiError, NotFound } from '../runtime/errors.ts'
import { type K8sObject, PODS } from '../runtime/resources.ts'
import type { Child, ChildOutcome } from './children.ts'
import { digest } from './owned-fields.ts'
import type { World } from './world.ts'

/**
 * The kubelet copies a changed ConfigMap or Secret into running pods once a minute or so, but at once when the pod
 * itself changes: an annotation makes new addresses and rotated secrets known without a restart.
 * @param key `namespace/name` of the MeetingCluster @param child has just been applied
 */
export async function showToPods(
  {
    client,
    world,
    log,
  }: {
    client: Pick<ApiClient, 'mergePatch'>
    world: Pick<World, 'podsOf'>
    log: Pick<Logger, 'warn'>
  },
  key: string,
  cluster: MeetingCluster,
  child: Child,
): Promise<ChildOutcome> {
  const seen = whoFollows(cluster, child)
  try {
    await Promise.all(
      seen.components
        .flatMap((component) => world.podsOf(key, component))
        .map(({ namespace, name }) =>
          client.mergePatch(PODS, namespace, name, { metadata: { annotations: seen.annotations } }),
        ),
    )
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    // A pod that is gone needs no telling.
    if (!(error instanceof NotFound)) {
      // The child is as it should be: the next pass finds nothing to do, and its status says nothing of this.
      log.warn({ cluster: key, error: error.message }, 'pods learn of a change a minute later')
      return { result: 'failed', error }
    }
  }
  return { result: 'applied' }
}

/** The pods that read a child again while they run, and what tells them apart from before. */
function whoFollows(cluster: MeetingCluster, { kind, object }: Child) {
  const { name, namespace, labels } = object.metadata
  const component = labels?.['app.kubernetes.io/component']
  if (object.kind === 'ConfigMap' && component) {
    const { data } = object as K8sObject & { data?: object }
    const annotations = { 'parley.dev/config-seen': digest(JSON.stringify(data)) }
    return { components: [component], annotations }
  }
  const rotating = rotatingSecrets(cluster).find((secret) => secret.name === name)
  if (object.kind !== 'Secret' || !rotating) return { components: [], annotations: {} }
  // Its version, never anything made of what it holds.
  const version = kind.store.get(`${namespace}/${name}`)?.resourceVersion ?? ''
  return {
    components: rotating.followers,
    annotations: { 'parley.dev/secret-seen': `${name}/${version}` },
  }
}
