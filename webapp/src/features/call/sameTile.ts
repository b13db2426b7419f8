import type { RemoteParticipant } from './callState.ts'

type Inside = { participant: RemoteParticipant }

export type TileProps = Inside & {
  /** Styles that say where it is. */
  place: object
}

/** Read of each link every second, and drawn by its bars alone. */
const readings: readonly string[] = [
  'quality',
  'rttMs',
  'lossPercent',
  'localCandidateType',
  'remoteCandidateType',
] satisfies (keyof RemoteParticipant)[]

/** Whether a participant's tile looks as it did, but for its bars: a tile takes long to draw. */
export function sameTile(before: TileProps, now: TileProps): boolean {
  return sameInside(before, now) && same(before.place, now.place, [])
}

/** Whether what is in it does: when people come and go, tiles are elsewhere, and what is in them is as it was. */
export function sameInside(before: Inside, now: Inside): boolean {
  return same(before.participant, now.participant, readings)
}

function same(before: object, now: object, butFor: readonly string[]): boolean {
  const [from, to] = [new Map(Object.entries(before)), Object.entries(now)]
  return (
    from.size === to.length &&
    to.every(([key, value]) => butFor.includes(key) || Object.is(from.get(key), value))
  )
}
