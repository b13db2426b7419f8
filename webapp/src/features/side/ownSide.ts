import { systemClock } from '../../clock.ts'
import { cell, store } from '../../state.ts'
import { randomId } from '../../ui/randomId.ts'
import { Chat } from '../chat/Chat.ts'
import { ownMedia } from '../media/ownMedia.ts'
import { Company } from '../people/Company.ts'
import { Reactions } from '../reactions/Reactions.ts'
import { initialSide, type SideTab } from './sideState.ts'

export const ownChat = new Chat({
  chat: cell('chat'),
  clock: systemClock,
  newId: randomId,
})
export const ownCompany = new Company({
  company: cell('company'),
  clock: systemClock,
  turnOff: (kind) => void ownMedia.set(kind, false),
})
export const ownReactions = new Reactions({
  reactions: cell('reactions'),
  clock: systemClock,
  random: Math.random,
})

const side = cell('side')
/** Why a meeting is over for this one, whatever they would like. */
const over: ReadonlySet<string> = new Set(['denied', 'removed', 'ended', 'replaced'])

/** Opens the panel with a tab, or closes it where that is the one to be seen. */
export function toggleSide(tab: SideTab): void {
  side.set({ tab: side.get().tab === tab ? null : tab })
}
export function showSide(tab: SideTab | null): void {
  side.set({ tab })
}

store.subscribe((state, before) => {
  if (state.side.tab !== before.side.tab) ownChat.show(state.side.tab === 'chat')
  const { phase, error } = state.call
  if (phase === before.call.phase) return
  if (phase === 'left') side.set(initialSide)
  if (phase === 'failed' && error !== null && over.has(error)) {
    side.set(initialSide)
    // Nobody is there any more whom the camera would be for.
    ownMedia.close()
  }
})
