import { systemClock } from '../../clock.ts'
import { cell, store } from '../../state.ts'
import type { CallState } from '../call/callState.ts'
import { mediaState } from '../media/localState.ts'
import { readLevel, readPlayedLevel } from './audio.ts'
import { JoinSounds } from './JoinSounds.ts'
import { type LevelReading, readingLagMs, silenceDb } from './levels.ts'
import { MutedSpeech } from './MutedSpeech.ts'
import { ownPushToTalk } from './ownPushToTalk.ts'
import { ReceivedVoices } from './receivers.ts'
import { playMelody } from './tones.ts'
import { receivedSampleMs, type Voice, Voices } from './Voices.ts'
import { self } from './voiceState.ts'

const voice = cell('voice')
const thresholdDb = () => store.getState().preferences.thresholdDb

/** The one reading of this page's microphone, while in a call. */
let microphone: { track: MediaStreamTrack; reading: LevelReading } | undefined

function ownDb(): number {
  const { track } = store.getState().local.audio
  if (microphone?.track !== track) {
    microphone?.reading.close()
    microphone = track ? { track, reading: readLevel(track) } : undefined
  }
  return microphone?.reading.readDb() ?? silenceDb
}

const mutedSpeech = new MutedSpeech(systemClock, (shown) => voice.set({ mutedSpeech: shown }))

function ownVoice(): Voice[] {
  const muted = !mediaState(store.getState().local).audio
  const levelDb = ownDb()
  mutedSpeech.hear(muted, levelDb, thresholdDb())
  return [{ id: self, muted, levelDb, lagMs: readingLagMs }]
}

const heard = { clock: systemClock, state: voice, thresholdDb }
const own = new Voices({ ...heard, voices: ownVoice })
const received = new ReceivedVoices(() => systemClock.now(), readPlayedLevel)
const others = new Voices({
  ...heard,
  voices: () => received.read(store.getState().call.participants),
  everyMs: receivedSampleMs,
})
const unmuted = ({ participants }: CallState) =>
  participants.flatMap(({ id, media }) => (media.audio ? [id] : [])).join()
const joinSounds = new JoinSounds(
  systemClock,
  playMelody,
  () => store.getState().preferences.joinSounds,
)

/** Listens for as long as the call is on screen. @returns what ends it */
export function followVoices(): () => void {
  const stopFollowing = store.subscribe((state, before) => {
    // Who mutes is dark at once, not with the next reading (REQ-P13).
    if (state.local.audio !== before.local.audio) own.sample()
    // What is read of the others changes many times a second, and is no reason to ask them all.
    if (
      state.call.participants !== before.call.participants &&
      unmuted(state.call) !== unmuted(before.call)
    )
      others.sample()
    const known = before.call.notices.at(-1)?.id ?? 0
    for (const { id, kind } of state.call.notices)
      if (id > known && (kind === 'joined' || kind === 'left')) joinSounds.announce(kind)
  })
  own.start()
  others.start()
  return () => {
    stopFollowing()
    own.stop()
    others.stop()
    received.close()
    ownPushToTalk.release()
    mutedSpeech.hide()
    microphone?.reading.close()
    microphone = undefined
  }
}
