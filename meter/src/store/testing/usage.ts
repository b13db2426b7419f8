import { addTraffic, noTraffic } from '@parley/relay-cost'
import { Usage } from '../../usage.ts'
import type { Store } from '../store.ts'

/** The usage of a store about which nothing but its allocations is known. */
export function usageOf(store: Store): Usage {
  return new Usage(store, async () => ({ region: 'eu-central-1' }))
}

/** Everything that a store holds, added up. */
export async function totalsOf(store: Store, now = Date.UTC(2100, 0)) {
  const sums = await usageOf(store).totals(now)
  return {
    traffic: sums.reduce(addTraffic, noTraffic()),
    unattributedBytes: sums.reduce((total, each) => total + each.unattributedBytes, 0),
  }
}
