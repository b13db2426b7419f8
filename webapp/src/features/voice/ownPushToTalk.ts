import { store } from '../../state.ts'
import { ownMedia } from '../media/ownMedia.ts'
import { PushToTalk } from './PushToTalk.ts'

/** A held key talks. */
export const ownPushToTalk = new PushToTalk(
  () => store.getState().local.audio.on,
  (on) => void ownMedia.set('audio', on),
)
