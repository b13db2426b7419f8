import type { SendLimit } from '../connection/PeerLink.ts'

/**
 * In a mesh every participant sends a copy to each other one, encoded anew each time: what one
 * copy may take shrinks as the room fills. For a camera of 1280 × 720.
 *
 * @param maxKbps what the person lets it take at most
 */
export function sendLimitFor(others: number, maxKbps = Infinity): SendLimit {
  const limit = limitFor(others)
  return { ...limit, maxBitrate: Math.min(limit.maxBitrate, maxKbps * 1000) }
}

function limitFor(others: number) {
  if (others <= 1) return { maxBitrate: 1_500_000, scaleResolutionDownBy: 1 }
  if (others <= 3) return { maxBitrate: 600_000, scaleResolutionDownBy: 2 }
  return { maxBitrate: 300_000, scaleResolutionDownBy: 3 }
}
