import { type MeetingCluster, REASON } from '../api/index.ts'
import type { ApiClient } from '../runtime/client.ts'
import { Forbidden, NotFound } from '../runtime/errors.ts'
import { CONFIG_MAPS, type K8sObject } from '../runtime/resources.ts'
import type { Rollout } from './observed.ts'
import type { Problem } from './status.ts'

const KEY = 'prices.yaml'

/**
 * What is wrong with the ConfigMap that the spec names for prices: without it the meter's pod never starts, and only
 * an event of its kubelet says why. Asked for while no meter runs, so that nobody has to watch everybody's ConfigMaps.
 */
export async function missingPriceList(
  client: Pick<ApiClient, 'get'>,
  { metadata, spec }: MeetingCluster,
  meter: Pick<Rollout, 'ready'> | undefined,
): Promise<Problem[]> {
  const { configMap } = spec.cost.prices
  if (configMap === undefined || (meter?.ready ?? 0) > 0) return []
  const missing = (what: string): Problem[] => [
    {
      reason: REASON.MissingReference,
      message: `spec.cost.prices.configMap: ${what}`,
      stalled: true,
    },
  ]
  try {
    const found = await client.get<K8sObject & { data?: Record<string, string> }>(
      CONFIG_MAPS,
      metadata.namespace,
      configMap,
    )
    return found.data?.[KEY] ? [] : missing(`ConfigMap ${configMap} has no key ${KEY}; add it`)
  } catch (error) {
    if (error instanceof NotFound)
      return missing(`there is no ConfigMap ${configMap}; create it with the key ${KEY}`)
    if (error instanceof Forbidden)
      return [{ reason: REASON.Forbidden, message: error.message, stalled: true }]
    throw error
  }
}
