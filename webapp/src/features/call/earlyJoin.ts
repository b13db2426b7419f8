import type { Arrival } from './arrival.ts'
import { asksToJoin, isAmong, leads, roomsKey } from './straightIn.ts'

/** What the page is opened at, and what the browser keeps for it. */
export type Opened = {
  pathname: string
  search: string
  hash: string
  /** How: other pages lead nobody back into a call that was not left by hand. */
  by: Arrival['by']
  /** Of this tab: the call that a refresh interrupted. */
  tabStorage: () => Pick<Storage, 'getItem'>
  /** Of this device: the name used last. */
  storage: () => Pick<Storage, 'getItem'>
  /** Whether a program drives the browser, and no person. */
  automated: boolean
}

export type JoinRequest = { path: string; body: string }

/**
 * `POST` to the page's own origin. On the SFU the seat is taken with it, unless the address has a key, which the others
 * are to hear of with the seat.
 */
export function joinRequest(room: string, asked: object, hash: string): JoinRequest {
  const body = { ...asked, ...(hash.length <= 1 && { seat: true }) }
  return { path: `/api/rooms/${encodeURIComponent(room)}/join`, body: JSON.stringify(body) }
}

export function postJoin({ path, body }: JoinRequest): Promise<Response> {
  return fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(10_000),
  })
}

/**
 * Who joins without a lobby, as a link or a refresh says it: asked for while the rest of the page still loads. Whether
 * it was right is decided there ({@link takeEarly}); so here it is only said of what is plain, and never with an
 * invitation, which may be good for one join only, or by who has signed in, which is shown with the request.
 */
export function earlyRequest(opened: Opened): JoinRequest | undefined {
  const room = /^\/r\/([\w-]{1,64})\/?$/.exec(opened.pathname)?.[1]
  if (room === undefined || new URLSearchParams(opened.hash.slice(1)).has('invite'))
    return undefined
  if (kept(opened.tabStorage, 'parley.signed-in') !== null) return undefined
  const name = rejoining(room, opened) ?? linked(room, opened)
  return name !== undefined && plainName.test(name)
    ? joinRequest(room, { name }, opened.hash)
    : undefined
}

const plainName = /^[\p{L}\p{N}]([\p{L}\p{N} .'-]{0,62}[\p{L}\p{N}.])?$/u

function rejoining(room: string, { by, tabStorage }: Opened): string | undefined {
  if (by !== 'refresh') return undefined
  try {
    const call = JSON.parse(kept(tabStorage, 'parley.call') ?? 'null')
    return call?.room === room && typeof call.name === 'string' ? call.name : undefined
  } catch {
    return undefined // spoiled
  }
}

function linked(room: string, opened: Opened): string | undefined {
  const { search, storage, by, automated } = opened
  if (!asksToJoin(search)) return undefined
  if (!automated && !(leads(by) && isAmong(room, kept(storage, roomsKey)))) return undefined
  const name = new URLSearchParams(search).get('name')?.trim().slice(0, 64)
  return name || (kept(storage, 'parley.name') ?? undefined)
}

function kept(storage: Opened['storage'], key: string): string | null {
  try {
    return storage().getItem(key)
  } catch {
    return null // the browser keeps nothing for this site
  }
}

type Early = { request: JoinRequest; answer: Promise<Response> }
/** Of the page, and not of this module: who asks is a script with a copy of its own. */
const page = globalThis as { parleyEarlyJoin?: Early | undefined }

/** Whether somebody joins without a lobby, and nobody has taken the answer yet. */
export const isAskedEarly = () => page.parleyEarlyJoin !== undefined

export function askEarly(request: JoinRequest, post = postJoin): void {
  // All of it: when it is read, which may be much later, the time of the request itself may be over. No blob, which
  // would go to the browser's own process, and back.
  const answer = post(request).then(
    async (response) => new Response(await response.arrayBuffer(), response),
  )
  // Who takes it hears of it; where nobody does, nobody needs to.
  answer.catch(() => {})
  page.parleyEarlyJoin = { request, answer }
}

/**
 * The answer to just this request, where it was asked early; once, as a token is for one joining. Where there was none,
 * it is asked for again.
 */
export function takeEarly(request: JoinRequest, post = postJoin): Promise<Response> | undefined {
  const taken = page.parleyEarlyJoin
  page.parleyEarlyJoin = undefined
  if (taken?.request.path !== request.path || taken.request.body !== request.body) return undefined
  return taken.answer.catch(() => post(request))
}
