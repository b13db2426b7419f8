import { routeOf } from '../../app/route.ts'
import { cell, store } from '../../state.ts'
import { showTheme } from '../appearance/theme.ts'
import { ownCall } from '../call/ownCall.ts'
import { ownEarlyStage } from '../call/ownEarlyStage.ts'
import { ownHaste } from '../call/ownHaste.ts'
import { prepareSocket } from '../connection/SocketSignaling.ts'
import '../layout/ownLayout.ts'
import { beginStay } from './stay.ts'
import { lacking } from './support.ts'

/**
 * Enters the room of the page's address, which is still to be drawn.
 * @returns what ends the stay, and when there is time to draw
 */
export function enterEarly(pathname: string): { end(): void; leisure: Promise<void> } | undefined {
  const route = routeOf(pathname)
  if (route.page !== 'room' || lacking(window).length > 0) return undefined
  prepareSocket()
  // A browser takes its time to make a page's first one.
  new RTCPeerConnection().close()
  showTheme()
  store.subscribe((state, { call, layout, encryption }) => {
    if (state.call !== call || state.layout !== layout || state.encryption !== encryption)
      ownEarlyStage.follow(state)
  })
  const end = beginStay(route.room, ownCall)
  // A link that is not what it seemed: the lobby is to be drawn.
  if (cell('call').get().phase === 'idle') ownHaste.end()
  return { end, leisure: ownHaste.over }
}
