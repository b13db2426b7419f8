import { roomLinkOf, routeOf } from '../../app/route.ts'
import { cell, store } from '../../state.ts'
import { keep, kept } from '../../ui/kept.ts'
import { ownArrival } from '../call/arrival.ts'
import type { CallSession } from '../call/CallSession.ts'
import { CallMemory, ownName } from '../call/callMemory.ts'
import { ownHaste } from '../call/ownHaste.ts'
import { mayLead, roomsKey, withRoom } from '../call/straightIn.ts'
import { ownMedia } from '../media/ownMedia.ts'
import { joinConsent } from '../recording/joinConsent.ts'
import { ownPreferences } from '../settings/ownPreferences.ts'
import { followShortcuts } from '../voice/ownShortcuts.ts'
import { RoomStay } from './RoomStay.ts'

/** Rises whenever devices are wanted, or not any more. */
let wanted = 0
const media = {
  /** In their time: cameras take theirs, and much of the machine's, to open. */
  async open() {
    const mine = ++wanted
    await ownHaste.over
    if (mine === wanted) await ownMedia.open()
  },
  close() {
    wanted++
    ownMedia.close()
  },
}

/** Where its code is there already. */
let early: CallSession | undefined

/** This tab's, on the real store, storage and address. */
const stay = new RoomStay({
  call: cell('call'),
  local: cell('local'),
  memory: new CallMemory(() => sessionStorage),
  media,
  loadCall: async () => early ?? (await import('../call/ownCall.ts')).ownCall,
  now: () => performance.now(),
  link: () => roomLinkOf(location.search),
  // Else a link would put whoever has once allowed the camera before strangers (docs/decisions/0019).
  mayLead: (room) =>
    navigator.webdriver || mayLead(room, kept(roomsKey), location.hash, ownArrival().by),
  refreshed(room) {
    const { by, pathname } = ownArrival()
    const route = routeOf(pathname)
    return by === 'refresh' && route.page === 'room' && route.room === room
  },
  ownName: ownName.read,
  pushToTalk: () => ownPreferences.get().pushToTalk,
})

/** A stay that began before the page was drawn. */
let begun: { room: string; end(): void } | undefined

/** @returns what ends the stay, where the page cannot be drawn */
export function beginStay(room: string, call: CallSession): () => void {
  early = call
  begun = { room, end: stay.enter(room) }
  return begun.end
}

/** @returns what ends the stay */
export function enterRoom(room: string): () => void {
  const early = begun
  begun = undefined
  if (early?.room === room) return early.end
  early?.end()
  ownHaste.end()
  return stay.enter(room)
}

/** By hand. */
export const joinCall = (name: string) => {
  keep(roomsKey, withRoom(cell('call').get().room, kept(roomsKey)))
  return stay.join(name)
}
export const leaveCall = () => stay.leave()
/** `agrees`: to a recording that runs there. */
export const joinAgain = ({ agrees = false } = {}) => {
  joinConsent.give(agrees)
  return stay.joinAgain()
}

store.subscribe(() => stay.remember())
followShortcuts(leaveCall)
