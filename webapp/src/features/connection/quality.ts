export type QualityLabel = 'excellent' | 'good' | 'fair' | 'poor' | 'unknown'

export type LinkQuality = {
  /** Round trip of the selected candidate pair. */
  rttMs: number | undefined
  /** Share of the packets lost over the last window, 0–100. */
  lossPercent: number | undefined
}

const bounds = [
  { label: 'excellent', rttMs: 100, lossPercent: 1 },
  { label: 'good', rttMs: 200, lossPercent: 3 },
  { label: 'fair', rttMs: 400, lossPercent: 5 },
] as const

/**
 * REQ-M4: excellent (< 100 ms and < 1 % loss), good (< 200, < 3), fair (< 400, < 5), else poor.
 * Without a round trip there is nothing to judge by: unknown. Loss not yet measured counts as none.
 */
export function qualityLabel({ rttMs, lossPercent }: LinkQuality): QualityLabel {
  if (rttMs === undefined || !Number.isFinite(rttMs)) return 'unknown'
  const loss = lossPercent !== undefined && Number.isFinite(lossPercent) ? lossPercent : 0
  return bounds.find((b) => rttMs < b.rttMs && loss < b.lossPercent)?.label ?? 'poor'
}

/** Bars to light, 0–4. */
export const qualityBars: Record<QualityLabel, number> = {
  excellent: 4,
  good: 3,
  fair: 2,
  poor: 1,
  unknown: 0,
}
