import type { RemoteParticipant } from './callState.ts'

export type TileProps = {
  participant: RemoteParticipant
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
  return same(before.participant, now.participant, readings) && same(before.place, now.place, [])
}

function same(before: object, now: object, butFor: readonly string[]): boolean {
  const [from, to] = [new Map(Object.entries(before)), Object.entries(now)]
  return (
    from.size === to.length &&
    to.every(([key, value]) => butFor.includes(key) || Object.is(from.get(key), value))
  )
}
