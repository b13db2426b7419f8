import { asksToJoin } from '../features/call/straightIn.ts'
import { slug } from '../protocolShapes.ts'
import { read } from '../shape.ts'

export type Route =
  | { page: 'landing' }
  | { page: 'room'; room: string }
  | { page: 'bad-room' }
  | { page: 'signed-in' }
  | { page: 'admin' }
  | { page: 'not-found' }

/** What a path shows: `/r/<room>` is a room, `/signed-in` the way back from the identity provider. */
export function routeOf(pathname: string): Route {
  if (pathname === '/') return { page: 'landing' }
  if (pathname === '/signed-in') return { page: 'signed-in' }
  if (/^\/admin\/?$/.test(pathname)) return { page: 'admin' }
  const match = /^\/r\/([^/]*)\/?$/.exec(pathname)
  if (!match) return { page: 'not-found' }
  const room = read(slug, decode(match[1] ?? ''))
  return room === undefined ? { page: 'bad-room' } : { page: 'room', room }
}

/** What a link to a room may ask for, besides the room. */
export type RoomLink = { name: string | undefined; autojoin: boolean; relayForced: boolean }

export function roomLinkOf(search: string): RoomLink {
  const parameters = new URLSearchParams(search)
  const name = parameters.get('name')?.trim().slice(0, 64)
  return {
    name: name || undefined,
    autojoin: asksToJoin(search),
    relayForced: parameters.get('relay') === '1',
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
