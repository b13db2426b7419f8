import { type AppState, cell, store } from '../../state.ts'
import { self } from '../voice/voiceState.ts'
import { choose, type LayoutChoice, nextSpeaker, takeShares } from './layoutState.ts'

const layout = cell('layout')
const key = 'parley.layout'

/** Chosen by hand; kept for the next call. */
export function chooseLayout(chosen: LayoutChoice): void {
  layout.set(choose(layout.get(), chosen))
  localStorage.setItem(key, chosen)
}

/** Who shares: others while there is a picture of it, oneself while it is captured. */
function sharing({ call, share }: AppState): string[] {
  const others = call.participants.filter(({ media, screen }) => media.screen && screen)
  return [...(share.screen ? [call.selfId] : []), ...others.map(({ id }) => id)]
}

const kept = localStorage.getItem(key)
if (kept === 'grid' || kept === 'speaker') layout.set({ chosen: kept })

store.subscribe((state, before) => {
  if (state.voice.speaking !== before.voice.speaking) {
    const speaking = state.voice.speaking.filter((id) => id !== self)
    const speaker = nextSpeaker(state.layout.speaker, speaking)
    if (speaker !== state.layout.speaker) layout.set({ speaker })
  }

  if (state.call === before.call && state.share === before.share) return
  if (state.call.phase === 'joining') return
  const next = takeShares(state.layout, sharing(state))
  if (next !== state.layout) layout.set(next)
})
