import { store } from '../../state.ts'
import type { MediaKind } from './localState.ts'
import { ownMedia } from './ownMedia.ts'

/** Off if it works, else on: which tries a device again that had a problem. */
export function toggleMedia(kind: MediaKind): Promise<void> {
  const { on, problem } = store.getState().local[kind]
  return ownMedia.set(kind, !on || problem !== null)
}
