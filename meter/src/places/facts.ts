import { hourMs, sfuPlaces, zonesOf } from '@parley/relay-cost'
import { linkFacts } from '../reasons/facts.ts'
import type { FactsOf } from '../usage.ts'

/**
 * What is known beyond the allocations: what pages said of their links, and where the pods are.
 * @param region of the meter; left out, the one that it wrote into the store
 */
export function factsFrom(now: () => number, region?: string): FactsOf {
  return async (window, records, book) => {
    const own = region ?? (await book.region()) ?? ''
    const pods = await book.pods.between(window)
    const { reasonOf, factsOf } = await linkFacts(book, window, records, now())
    return {
      ...{ region: own, reasonOf, zoneOf: zonesOf(pods) },
      factsOf(room, hour) {
        const facts = factsOf(room, hour)
        if (facts?.side !== 'sfu') return facts
        return { ...facts, sfuPlaces: sfuPlaces(pods, { from: hour, to: hour + hourMs }, own) }
      },
    }
  }
}
