import { createStore } from 'zustand/vanilla'
import type { Language, Theme } from './features/appearance/appearance.ts'
import { type CallState, initialCall } from './features/call/callState.ts'
import { type CaptionsState, initialCaptions } from './features/captions/Captions.ts'
import { type ChatState, initialChat } from './features/chat/chatState.ts'
import { type EncryptionState, initialEncryption } from './features/encryption/encryptionState.ts'
import { initialLayout, type LayoutState } from './features/layout/layoutState.ts'
import { initialLocal, type LocalState } from './features/media/localState.ts'
import { initialMetrics, type MetricsState } from './features/metrics/metricsState.ts'
import { type CompanyState, initialCompany } from './features/people/companyState.ts'
import { initialReactions, type ReactionState } from './features/reactions/reactionState.ts'
import { initialRecording, type RecordingView } from './features/recording/recordingState.ts'
import { initialPreferences, type Preferences } from './features/settings/preferences.ts'
import { initialShare, type ShareState } from './features/share/shareState.ts'
import { initialSide, type SideState } from './features/side/sideState.ts'
import { initialSignIn, type SignInState } from './features/signIn/signInState.ts'
import { initialVoice, type VoiceState } from './features/voice/voiceState.ts'

/** All that the page shows. Behaviour writes it, React draws it. */
export type AppState = {
  local: LocalState
  call: CallState
  metrics: MetricsState
  preferences: Preferences
  voice: VoiceState
  layout: LayoutState
  share: ShareState
  appearance: { theme: Theme; language: Language }
  chat: ChatState
  company: CompanyState
  reactions: ReactionState
  side: SideState
  signIn: SignInState
  captions: CaptionsState
  encryption: EncryptionState
  recording: RecordingView
}

export const store = createStore<AppState>()(() => ({
  local: initialLocal,
  call: initialCall,
  metrics: initialMetrics,
  preferences: initialPreferences,
  voice: initialVoice,
  layout: initialLayout,
  share: initialShare,
  appearance: { theme: 'system', language: 'en' },
  chat: initialChat,
  company: initialCompany,
  reactions: initialReactions,
  side: initialSide,
  signIn: initialSignIn,
  captions: initialCaptions,
  encryption: initialEncryption,
  recording: initialRecording,
}))

/** A slice of state as its owner sees it: read it, or change some of its fields. */
export type Cell<T> = { get(): T; set(patch: Partial<T>): void }

export function cell<K extends keyof AppState>(key: K): Cell<AppState[K]> {
  return {
    get: () => store.getState()[key],
    set: (patch) =>
      store.setState((state) => ({ [key]: { ...state[key], ...patch } }) as Partial<AppState>),
  }
}
