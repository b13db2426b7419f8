/** What a person may choose; a share brings its own layout for as long as it goes on. */
export type LayoutChoice = 'grid' | 'speaker'

export type LayoutState = {
  chosen: LayoutChoice
  /** A participant that stays in the middle. */
  pinned: string | null
  /** Who shares a screen, in the order in which they began. */
  shares: readonly string[]
  /** Of several shares the one the person asked for; null: the last one. */
  shownShare: string | null
  /** Who spoke last, of the others. */
  speaker: string | null
}

export const initialLayout: LayoutState = {
  chosen: 'grid',
  pinned: null,
  shares: [],
  shownShare: null,
  speaker: null,
}

/** What is in the middle: a screen (of `main`), one person (`main`), or nobody in particular. */
export type Shown =
  | { kind: 'share'; main: string }
  | { kind: 'speaker'; main: string | null }
  | { kind: 'grid'; main: null }

/** A choice made while somebody shares holds from the end of the share on. */
export function choose(state: LayoutState, chosen: LayoutChoice): LayoutState {
  return { ...state, chosen, pinned: chosen === 'grid' ? null : state.pinned }
}

/** Pins a person to the middle, or lets go of them again. */
export function togglePin(state: LayoutState, id: string): LayoutState {
  return { ...state, pinned: state.pinned === id ? null : id }
}

/** Of several shares, shows this one. */
export function showShare(state: LayoutState, id: string): LayoutState {
  return state.shares.includes(id) ? { ...state, shownShare: id } : state
}

/** @param sharing who shares now, in any order: those who are new come last */
export function takeShares(state: LayoutState, sharing: readonly string[]): LayoutState {
  const kept = state.shares.filter((id) => sharing.includes(id))
  const begun = sharing.filter((id) => !kept.includes(id))
  if (begun.length === 0 && kept.length === state.shares.length) return state
  const { shownShare } = state
  return {
    ...state,
    shares: [...kept, ...begun],
    // Whoever begins is shown at once.
    shownShare: begun.length === 0 && shownShare && kept.includes(shownShare) ? shownShare : null,
  }
}

/**
 * Who has the middle stays there until silent, and while nobody else speaks.
 * @param speaking who speaks now, of the others
 */
export function nextSpeaker(speaker: string | null, speaking: readonly string[]): string | null {
  if (speaker !== null && speaking.includes(speaker)) return speaker
  return speaking[0] ?? speaker
}

/**
 * What the stage shows. A share has the middle for as long as it goes on (REQ-P20); then it is as
 * it was before (REQ-P21), for a share changes nothing of what was chosen.
 *
 * @param present the participants who are in the call
 * @param speaking who spoke last; null where nobody did
 */
export function shown(
  state: LayoutState,
  present: readonly string[],
  speaking: string | null,
): Shown {
  const share = state.shownShare ?? state.shares.at(-1)
  if (share !== undefined) return { kind: 'share', main: share }
  const pinned = state.pinned !== null && present.includes(state.pinned) ? state.pinned : null
  if (pinned !== null) return { kind: 'speaker', main: pinned }
  if (state.chosen === 'grid') return { kind: 'grid', main: null }
  const speaker = speaking !== null && present.includes(speaking) ? speaking : null
  return { kind: 'speaker', main: speaker ?? present[0] ?? null }
}
