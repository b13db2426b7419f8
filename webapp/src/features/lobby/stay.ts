import { roomLinkOf } from '../../app/route.ts'
import { cell, store } from '../../state.ts'
import { CallMemory, ownName } from '../call/callMemory.ts'
import { ownMedia } from '../media/ownMedia.ts'
import { joinConsent } from '../recording/joinConsent.ts'
import { ownPreferences } from '../settings/ownPreferences.ts'
import { RoomStay } from './RoomStay.ts'

/** This tab's, on the real store, storage and address. */
const stay = new RoomStay({
  call: cell('call'),
  local: cell('local'),
  memory: new CallMemory(() => sessionStorage),
  media: ownMedia,
  loadCall: async () => (await import('../call/ownCall.ts')).ownCall,
  now: () => performance.now(),
  link: () => roomLinkOf(location.search),
  ownName: ownName.read,
  pushToTalk: () => ownPreferences.get().pushToTalk,
})

/** A stay that began before the page was drawn. */
let begun: { room: string; end(): void } | undefined

/** @returns what ends the stay, where the page cannot be drawn */
export function beginStay(room: string): () => void {
  begun = { room, end: stay.enter(room) }
  return begun.end
}

/** @returns what ends the stay */
export function enterRoom(room: string): () => void {
  const early = begun
  begun = undefined
  if (early?.room === room) return early.end
  early?.end()
  return stay.enter(room)
}

export const joinCall = (name: string) => stay.join(name)
export const leaveCall = () => stay.leave()
/** `agrees`: to a recording that runs there. */
export const joinAgain = ({ agrees = false } = {}) => {
  joinConsent.give(agrees)
  return stay.joinAgain()
}

store.subscribe(() => stay.remember())
