/** REQ-A3: what a relayed user costs in an hour, in US dollars, where nothing is known of prices. */
export const flatRatePerRelayedUserHour = 0.05

/** REQ-A3, in US dollars an hour. What was relayed, and charged, the meter says. */
export function estimatedCostPerHour(relayedUsers: number): number {
  return Math.round(relayedUsers * flatRatePerRelayedUserHour * 100) / 100
}
