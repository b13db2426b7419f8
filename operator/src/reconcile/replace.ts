import type { K8sObject } from '../runtime/resources.ts'
import type { Child } from './children.ts'
import type { ChildEntry } from './observed.ts'

/**
 * Whether what is there has to be deleted and made anew, because it can never become what is wanted: a headless
 * Service gets no address, and one with an address never becomes headless.
 */
export function isInTheWay(
  { object }: Pick<Child, 'object'>,
  entry: ChildEntry | undefined,
): boolean {
  if (object.kind !== 'Service' || !entry) return false
  const { spec } = object as K8sObject & { spec?: { clusterIP?: string } }
  return (entry.service?.headless ?? false) !== (spec?.clusterIP === 'None')
}
