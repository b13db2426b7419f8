import type { Arrival } from './arrival.ts'

/**
 * Whether a link asks to pass the lobby by. It is read as it is written, and no parameter is decoded: so do the servers,
 * which take it from links of other sites.
 */
export const asksToJoin = (search: string) => /[?&]autojoin=1(?:&|$)/.test(search)

/**
 * Where the rooms are kept that somebody has joined by hand on this device, the last one first: only into these does a
 * link lead straight. Names of rooms have no spaces.
 */
export const roomsKey = 'parley.rooms'

const most = 50

export const isAmong = (room: string, rooms: string | null) => listed(rooms).includes(room)

/** What the browser brings back nobody has asked for: pages of anybody take a step back, and sessions are restored unseen. */
export const leads = (by: Arrival['by']) => by === 'link' || by === 'refresh'

/** With an invitation never: it may be of another tenant, which has a room of the same name, and strangers in it. */
export const mayLead = (room: string, rooms: string | null, hash: string, by: Arrival['by']) =>
  leads(by) && isAmong(room, rooms) && !new URLSearchParams(hash.slice(1)).has('invite')

export const withRoom = (room: string, rooms: string | null) =>
  [room, ...listed(rooms).filter((one) => one !== room)].slice(0, most).join(' ')

const listed = (rooms: string | null) => rooms?.split(' ') ?? []
