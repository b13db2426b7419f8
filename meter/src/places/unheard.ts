import type { Window } from '@parley/relay-cost'

/** What is noted so often is no gap. */
const lagMs = 60_000

/**
 * The times of a window, since the first time of all, in which a meter did not hear coturn.
 * @param heard in order; the first time of all is among them
 * @param asOf epoch ms: now
 */
export function unheard(heard: readonly Window[], window: Window, asOf: number): Window[] {
  const [first] = heard
  if (!first) return []
  const gaps: Window[] = []
  let until = Math.max(first.from, window.from)
  for (const { from, to } of heard) {
    if (from > until) gaps.push({ from: until, to: Math.min(from, window.to) })
    until = Math.max(until, to)
  }
  const end = Math.min(window.to, asOf)
  if (end - until > lagMs) gaps.push({ from: until, to: end })
  return gaps.filter(({ from, to }) => to > from)
}
