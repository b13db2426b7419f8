import type { RemoteParticipant } from '../call/callState.ts'
import { amplitudeDb, silenceDb } from './levels.ts'
import type { Voice } from './Voices.ts'

type Source = Pick<RTCRtpSynchronizationSource, 'timestamp' | 'audioLevel'>
/** As much of an RTCRtpReceiver as tells how loud it is. */
export type LevelReceiver = { getSynchronizationSources(): Source[] }

const receivers = new WeakMap<object, { receiver: LevelReceiver; timestamp: number; at: number }>()

/** Says which receiver a remote track comes from: it knows how loud each packet was, for free. */
export function noteReceiver(track: object, receiver: LevelReceiver): void {
  receivers.set(track, { receiver, timestamp: 0, at: 0 })
}

const answers = new WeakMap<LevelReceiver, { sources: Source[]; at: number }>()

/**
 * What a receiver says of its last packets. A browser stops the page for each question, so an answer is good for all.
 * @param now in ms, by a clock that never goes back
 * @param maxAgeMs how old an answer may be; 0 asks anew
 */
export function sourcesOf(receiver: LevelReceiver, now: number, maxAgeMs = 0): Source[] {
  const last = answers.get(receiver)
  if (last && now - last.at < maxAgeMs) return last.sources
  const sources = receiver.getSynchronizationSources()
  answers.set(receiver, { sources, at: now })
  return sources
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
  const sources = sourcesOf(known.receiver, now)
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

/** The others in a call as they are heard now; only of whom there is a voice to hear a receiver is asked. */
export function* receivedVoices(
  participants: Iterable<Pick<RemoteParticipant, 'id' | 'media' | 'audio' | 'link'>>,
  now: number,
): Iterable<Voice> {
  for (const { id, media, audio, link } of participants) {
    // Before it is connected there is nothing, and to ask the browser waits for what is busy with connecting.
    const heard = media.audio && audio && link !== 'connecting'
    yield { id, muted: !media.audio, levelDb: heard ? receivedDb(audio, now) : silenceDb }
  }
}
