import { systemClock } from '../../clock.ts'
import { cell, store } from '../../state.ts'
import { mediaState } from '../media/localState.ts'
import { ownMedia } from '../media/ownMedia.ts'
import { type LevelReading, readingLagMs, readLevel } from './audio.ts'
import { JoinSounds } from './JoinSounds.ts'
import { silenceDb } from './levels.ts'
import { MutedSpeech } from './MutedSpeech.ts'
import { PushToTalk } from './PushToTalk.ts'
import { receivedDb } from './receivers.ts'
import { playMelody } from './tones.ts'
import { type Voice, Voices } from './Voices.ts'
import { self } from './voiceState.ts'

const voice = cell('voice')
const thresholdDb = () => store.getState().preferences.thresholdDb

/** The one reading of this page's microphone, while in a call. */
let own: { track: MediaStreamTrack; reading: LevelReading } | undefined

function ownDb(): number {
  const { track } = store.getState().local.audio
  if (own?.track !== track) {
    own?.reading.close()
    own = track ? { track, reading: readLevel(track) } : undefined
  }
  return own?.reading.readDb() ?? silenceDb
}

const mutedSpeech = new MutedSpeech(systemClock, (shown) => voice.set({ mutedSpeech: shown }))

function* everybody(): Iterable<Voice> {
  const { local, call } = store.getState()
  const muted = !mediaState(local).audio
  const levelDb = ownDb()
  mutedSpeech.hear(muted, levelDb, thresholdDb())
  yield { id: self, muted, levelDb, lagMs: readingLagMs }
  const now = systemClock.now()
  for (const { id, media, audio, link } of call.participants) {
    // Before that there is nothing, and to ask the browser waits for what is busy with connecting.
    const heard = audio && link !== 'connecting'
    yield { id, muted: !media.audio, levelDb: heard ? receivedDb(audio, now) : silenceDb }
  }
}

const voices = new Voices({ clock: systemClock, state: voice, voices: everybody, thresholdDb })
const joinSounds = new JoinSounds(
  systemClock,
  playMelody,
  () => store.getState().preferences.joinSounds,
)

/** A held key talks. */
export const ownPushToTalk = new PushToTalk(
  () => store.getState().local.audio.on,
  (on) => void ownMedia.set('audio', on),
)

/** Listens for as long as the call is on screen. @returns what ends it */
export function followVoices(): () => void {
  const stopFollowing = store.subscribe((state, before) => {
    // Who mutes is dark at once, not with the next reading (REQ-P13).
    if (
      state.local.audio !== before.local.audio ||
      state.call.participants !== before.call.participants
    )
      voices.sample()
    const known = before.call.notices.at(-1)?.id ?? 0
    for (const { id, kind } of state.call.notices)
      if (id > known && (kind === 'joined' || kind === 'left')) joinSounds.announce(kind)
  })
  voices.start()
  return () => {
    stopFollowing()
    voices.stop()
    ownPushToTalk.release()
    mutedSpeech.hide()
    own?.reading.close()
    own = undefined
  }
}
