import { presetOfRegion, presets } from '@parley/relay-cost'
import type { Component, MeetingCluster } from '../api/index.ts'

export interface Limitation {
  component: Component
  /** What the spec asks for, and what to do about it. */
  message: string
  /** The component's pods are not made: without what is asked for they would be unsafe, or fail. */
  holds: boolean
}

/** What the spec asks for and this version does not have, so that nobody has to find out. */
export function limitations(mc: MeetingCluster): Limitation[] {
  const { cost } = mc.spec
  const found: (Limitation & { when: boolean })[] = [
    {
      when: cost.prices.preset !== undefined && !isPreset(cost.prices.preset),
      component: 'meter',
      message: `spec.cost.prices.preset: there is no preset ${cost.prices.preset}; take one of ${Object.keys(presets).join(', ')}, or a configMap`,
      holds: true,
    },
  ]
  return found.flatMap(({ when, ...limitation }) => (when ? [limitation] : []))
}

/**
 * The price preset of a MeetingCluster without a price list of its own: the one it names, else that
 * of its region, else the default one. The report names the prices it was made with.
 */
export function pricePreset({ spec }: MeetingCluster): string {
  return spec.cost.prices.preset ?? presetOfRegion(spec.region)
}

function isPreset(name: string): boolean {
  return Object.hasOwn(presets, name)
}
