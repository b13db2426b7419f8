import { amplitudeDb, silenceDb } from './levels.ts'

type Source = Pick<RTCRtpSynchronizationSource, 'timestamp' | 'audioLevel'>
/** As much of an RTCRtpReceiver as tells how loud it is. */
export type LevelReceiver = { getSynchronizationSources(): Source[] }

const receivers = new WeakMap<object, { receiver: LevelReceiver; timestamp: number; at: number }>()

/** Says which receiver a remote track comes from: it knows how loud each packet was, for free. */
export function noteReceiver(track: object, receiver: LevelReceiver): void {
  receivers.set(track, { receiver, timestamp: 0, at: 0 })
}

/** When no packet came for so long, the level that the last one named is over. */
const staleMs = 200

/**
 * @param now in ms, by a clock that never goes back
 * @returns how loud a remote track is, in dB of full scale, by its last packet
 */
export function receivedDb(track: object, now: number): number {
  const known = receivers.get(track)
  if (!known) return silenceDb
  const sources = known.receiver.getSynchronizationSources()
  const last = sources.reduce<Source | undefined>(
    (newest, source) => (source.timestamp > (newest?.timestamp ?? 0) ? source : newest),
    undefined,
  )
  // Browsers do not agree on what timestamps count from, only that a new packet has a new one.
  if (last && last.timestamp !== known.timestamp) {
    known.timestamp = last.timestamp
    known.at = now
  }
  return last && now - known.at <= staleMs ? amplitudeDb(last.audioLevel ?? 0) : silenceDb
}
