/** In per cent: 100 is as it comes, above is louder than it comes. */
export const volumeMax = 200
const kept = 200

/** Volumes by participant, in per cent; the last one set is last. What is not there is 100. */
export type VolumeTable = readonly [participant: string, percent: number][]

export function volumeOf(table: VolumeTable, participant: string): number {
  return table.find(([id]) => id === participant)?.[1] ?? 100
}

/**
 * One participant's volume, 0 to 200 %; everybody else's stays (REQ-P16).
 * Of participants that are long gone, the oldest are forgotten.
 */
export function withVolume(table: VolumeTable, participant: string, percent: number): VolumeTable {
  const volume = Math.min(volumeMax, Math.max(0, percent))
  const others = table.filter(([id]) => id !== participant)
  return [...others, [participant, volume] as [string, number]].slice(-kept)
}

/**
 * How a volume is made. Up to 100 % it is the audio element's own; above, the element is muted and
 * the sound goes through a gain: browsers' echo cancellers may not hear what comes from there.
 */
export function pathOf(percent: number): { elementVolume: number; boost: number | null } {
  return percent <= 100
    ? { elementVolume: percent / 100, boost: null }
    : { elementVolume: 0, boost: percent / 100 }
}
