import type { QualityLabel } from '@parley/protocol'

export { type QualityLabel, qualityLabel } from '@parley/protocol'

/** Bars to light, 0–4. */
export const qualityBars: Record<QualityLabel, number> = {
  excellent: 4,
  good: 3,
  fair: 2,
  poor: 1,
  unknown: 0,
}
