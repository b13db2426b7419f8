/** The key of one's own voice among those of the participants. */
export const self = 'self'

export type VoiceState = {
  /** Who speaks: participant ids, and `self`. */
  speaking: readonly string[]
  /** One talks, and is muted. */
  mutedSpeech: boolean
}

export const initialVoice: VoiceState = { speaking: [], mutedSpeech: false }
