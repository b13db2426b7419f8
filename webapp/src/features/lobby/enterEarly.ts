import { routeOf } from '../../app/route.ts'
import '../call/ownCall.ts'
import { beginStay } from './stay.ts'
import { lacking } from './support.ts'

/** Enters the room of the page's address, which is still to be drawn. @returns what ends the stay */
export function enterEarly(pathname: string): () => void {
  const route = routeOf(pathname)
  return route.page === 'room' && lacking(window).length === 0 ? beginStay(route.room) : () => {}
}
