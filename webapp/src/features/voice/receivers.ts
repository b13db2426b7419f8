import type { RemoteParticipant } from '../call/callState.ts'
import { amplitudeDb, type LevelReading, readingLagMs, silenceDb } from './levels.ts'
import type { Voice } from './Voices.ts'

type Source = Pick<RTCRtpSynchronizationSource, 'timestamp' | 'audioLevel'>
/** As much of an RTCRtpReceiver as tells how loud it is. */
export type LevelReceiver = { getSynchronizationSources(): Source[] }

type Known = {
  receiver: LevelReceiver
  timestamp: number
  at: number
  /** Whether its packets say how loud they are, which an SFU leaves out; undefined: none has come. */
  tells?: boolean
}

const receivers = new WeakMap<object, Known>()

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
 * @returns how loud a remote track is, in dB of full scale, by its last packet; undefined where packets do not say it
 */
export function receivedDb(track: object, now: number): number | undefined {
  const known = receivers.get(track)
  if (!known) return silenceDb
  if (known.tells === false) return undefined
  const sources = sourcesOf(known.receiver, now)
  const last = sources.reduce<Source | undefined>(
    (newest, source) => (source.timestamp > (newest?.timestamp ?? 0) ? source : newest),
    undefined,
  )
  if (last) known.tells ??= last.audioLevel !== undefined
  if (known.tells === false) return undefined
  // Browsers do not agree on what timestamps count from, only that a new packet has a new one.
  if (last && last.timestamp !== known.timestamp) {
    known.timestamp = last.timestamp
    known.at = now
  }
  return last && now - known.at <= staleMs ? amplitudeDb(last.audioLevel ?? 0) : silenceDb
}

let loud = new WeakSet<object>()

/** What the SFU takes for loud now, of all that it sends here: later than it is heard, and at no cost. */
export function noteLoud(tracks: readonly object[]): void {
  loud = new WeakSet(tracks)
}

/** To listen to a voice takes processor time: of more than so many only to those that the SFU takes for loud. */
const listenedMax = 12

/** A page that is stopped for longer at a time by what it asks is not to be asked of it. */
const patienceMs = 10

/**
 * The others in a call as they are heard now. Only of whom there is a voice to hear a receiver is asked, or, where that does
 * not know, the voice listened to. While the browser is busy, as with connecting many people, an answer may take it longer
 * than a picture is to be late: then it is not asked of all of them at a time, and of those who were left out first the next time.
 */
export class ReceivedVoices {
  readonly #now: () => number
  readonly #listen: (track: MediaStreamTrack) => LevelReading
  /** Who is asked of first, among all. */
  #first = 0
  /** Those whose packets do not say how loud they are, the one that was silent for longest first. */
  readonly #listened = new Map<MediaStreamTrack, LevelReading>()

  /**
   * @param now in ms, by a clock that never goes back
   * @param listen to what is played of a track
   */
  constructor(now: () => number, listen: (track: MediaStreamTrack) => LevelReading) {
    this.#now = now
    this.#listen = listen
  }

  *read(
    participants: readonly Pick<RemoteParticipant, 'id' | 'media' | 'audio' | 'link'>[],
  ): Iterable<Voice> {
    const begun = this.#now()
    const first = this.#first
    let asking = true
    this.#keep(new Set(participants.map(({ media, audio }) => media.audio && audio)))
    for (let index = 0; index < participants.length; index++) {
      const at = (first + index) % participants.length
      const { id, media, audio, link } = participants[at] as (typeof participants)[number]
      const muted = !media.audio
      // Before it is connected there is nothing, and to ask the browser waits for what is busy with connecting.
      if (muted || !audio || link === 'connecting') yield { id, muted, levelDb: silenceDb }
      else if (!asking) yield { id, muted, levelDb: undefined }
      else {
        const told = receivedDb(audio, this.#now())
        if (told !== undefined) yield { id, muted, levelDb: told }
        else yield { id, muted, levelDb: this.#heardDb(audio), lagMs: readingLagMs }
        asking = this.#now() - begun < patienceMs
        this.#first = at + 1
      }
    }
  }

  close(): void {
    this.#keep(new Set())
  }

  #keep(tracks: ReadonlySet<unknown>): void {
    for (const [track, reading] of this.#listened) if (!tracks.has(track)) this.#end(track, reading)
  }

  #heardDb(track: MediaStreamTrack): number {
    let reading = this.#listened.get(track)
    if (!reading) {
      const [quietest] = this.#listened
      if (quietest && this.#listened.size >= listenedMax) {
        // Nobody who is loud makes room: of more than can be listened to, each would in turn, and none be heard.
        if (!loud.has(track) || loud.has(quietest[0])) return silenceDb
        this.#end(...quietest)
      }
      reading = this.#listen(track)
      this.#listened.set(track, reading)
    }
    if (loud.has(track)) {
      this.#listened.delete(track)
      this.#listened.set(track, reading)
    }
    return reading.readDb()
  }

  #end(track: MediaStreamTrack, reading: LevelReading): void {
    reading.close()
    this.#listened.delete(track)
  }
}
