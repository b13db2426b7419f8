/** REQ-M4, and what E-model makes of the same figures: one place for the page, the gateway and the history. */
export const qualityLabels = ['excellent', 'good', 'fair', 'poor', 'unknown'] as const
export type QualityLabel = (typeof qualityLabels)[number]

export type LinkQuality = {
  /** Round trip in ms. */
  rttMs: number | null | undefined
  /** Share of the packets lost over the last window, 0–100. */
  lossPercent: number | null | undefined
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
  if (!known(rttMs)) return 'unknown'
  const loss = known(lossPercent) ? lossPercent : 0
  return bounds.find((b) => rttMs < b.rttMs && loss < b.lossPercent)?.label ?? 'poor'
}

/**
 * The rating R of ITU-T G.107, simplified, 0–100: 93.2 less what delay and loss take away.
 *
 * The one-way delay is taken as half of the round trip and twice the jitter, about what a jitter buffer
 * holds. Ie = 0 and Bpl = 10 are a codec that conceals single losses, as Opus does; G.113 has none for Opus.
 *
 * @returns null where there is no round trip
 */
export function rating(quality: LinkQuality & { jitterMs?: number | null }): number | null {
  const { rttMs, lossPercent, jitterMs } = quality
  if (!known(rttMs)) return null
  const delayMs = rttMs / 2 + 2 * (known(jitterMs) ? jitterMs : 0)
  const loss = known(lossPercent) ? Math.min(100, Math.max(0, lossPercent)) : 0
  const byDelay = 0.024 * delayMs + 0.11 * Math.max(0, delayMs - 177.3)
  const byLoss = (95 * loss) / (loss + lossRobustness)
  return Math.min(100, Math.max(0, 93.2 - byDelay - byLoss))
}

const lossRobustness = 10

/** Mean opinion score of a rating R, 1–4.5 (ITU-T G.107, annex B). */
export function meanOpinion(r: number): number {
  return Math.max(1, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r))
}

function known(value: number | null | undefined): value is number {
  return value !== undefined && value !== null && Number.isFinite(value)
}
