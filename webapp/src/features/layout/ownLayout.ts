import { type AppState, cell, store } from '../../state.ts'
import { keep, kept } from '../../ui/kept.ts'
import { self } from '../voice/voiceState.ts'
import { choose, type LayoutChoice, nextSpeaker, takeShares } from './layoutState.ts'

const layout = cell('layout')
const key = 'parley.layout'

/** Chosen by hand; kept for the next call. */
export function chooseLayout(chosen: LayoutChoice): void {
  layout.set(choose(layout.get(), chosen))
  keep(key, chosen)
}

/** Who shares: others while there is a picture of it, oneself while it is captured. */
function sharing({ call, share }: AppState): string[] {
  const others = call.participants.filter(({ media, screen }) => media.screen && screen)
  return [...(share.screen ? [call.selfId] : []), ...others.map(({ id }) => id)]
}

const earlier = kept(key)
if (earlier === 'grid' || earlier === 'speaker') layout.set({ chosen: earlier })

store.subscribe((state, before) => {
  if (state.voice.speaking !== before.voice.speaking) {
    const speaking = state.voice.speaking.filter((id) => id !== self)
    const speaker = nextSpeaker(state.layout.speaker, speaking)
    if (speaker !== state.layout.speaker) layout.set({ speaker })
  }
  if (state.call === before.call && state.share === before.share) return
  if (state.call.phase === 'joining') return
  const now = layout.get()
  const next = takeShares(now, sharing(state))
  if (next !== now) layout.set(next)
})
