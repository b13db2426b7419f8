import type { ApiClient } from '../runtime/client.ts'
import { Conflict } from '../runtime/errors.ts'
import type { K8sObject, Resource } from '../runtime/resources.ts'
import type { ChildEntry } from './observed.ts'

/** In whose name a number of pods is kept from our letting go of it until an autoscaler sets another one. */
export const SCALE_MANAGER = 'parley-scale'

/**
 * Call before a workload is applied without `replicas`, because an autoscaler is to set them from now on. Server-side
 * apply takes a field away that its only owner no longer applies, and a Deployment without `replicas` has one pod: all
 * others would go, and the calls on them. So another manager takes the number over first, as it is.
 *
 * @throws ApiError
 */
export async function keepReplicas(
  client: Pick<ApiClient, 'apply'>,
  resource: Resource,
  object: K8sObject & { spec?: { replicas?: number } },
  entry: ChildEntry,
): Promise<void> {
  const { rollout, setsReplicas, namespace, name, uid } = entry
  if (!setsReplicas || !rollout || object.spec?.replicas !== undefined) return
  const { apiVersion, kind } = object
  const kept = { metadata: { name, namespace, uid }, spec: { replicas: rollout.desired } }
  try {
    await client.apply(resource, namespace, name, JSON.stringify({ apiVersion, kind, ...kept }), {
      force: false,
      manager: SCALE_MANAGER,
    })
  } catch (error) {
    // The autoscaler has been faster: the number is its own now.
    if (!(error instanceof Conflict)) throw error
  }
}
