import { routeOf } from '../../app/route.ts'
import { cell } from '../../state.ts'
import '../call/ownCall.ts'
import { ownHaste } from '../call/ownHaste.ts'
import { prepareSocket } from '../connection/SocketSignaling.ts'
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
  const end = beginStay(route.room)
  // A link that is not what it seemed: the lobby is to be drawn.
  if (cell('call').get().phase === 'idle') ownHaste.end()
  return { end, leisure: ownHaste.over }
}
