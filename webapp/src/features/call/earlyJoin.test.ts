import { describe, expect, it } from '@jest/globals'
import { displayNameSchema } from '@parley/protocol'
import fc from 'fast-check'
import { roomLinkOf, routeOf } from '../../app/route.ts'
import { type Arrival, arrivalOf } from './arrival.ts'
import { CallMemory } from './callMemory.ts'
import { askEarly, earlyRequest, type JoinRequest, joinRequest, takeEarly } from './earlyJoin.ts'
import { mayLead, roomsKey, withRoom } from './straightIn.ts'

const storageOf = (items: Record<string, string>) => () => ({
  getItem: (key: string) => items[key] ?? null,
  setItem() {},
  removeItem() {},
})

/** What the page asks for once all of it is there. */
function laterRequest(
  pathname: string,
  search: string,
  kept: Record<string, string>,
  automated: boolean,
): JoinRequest | undefined {
  const route = routeOf(pathname)
  if (route.page !== 'room') return undefined
  const call = new CallMemory(storageOf(kept)).recall()
  const link = roomLinkOf(search)
  const linked = link.autojoin && automated ? (link.name ?? kept['parley.name']) : undefined
  const name = displayNameSchema.safeParse(call?.room === route.room ? call.name : linked)
  return name.success ? joinRequest(route.room, { name: name.data }, '') : undefined
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.stringMatching(/^[A-Za-zÀ-ỹ .'-]{1,70}$/),
  fc.constantFrom('', ' ', 'Ana', ' Ana ', 'Ana\u202e', 'Nguyễn Văn A', '.'),
)
const slug = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{1,66}$/),
  fc.constantFrom('standup', 'a%20b'),
)

describe('the join that is asked for before the page is there', () => {
  it('REQ-P27: is the one that the page asks for, or none', () => {
    const remembered = fc.option(
      fc.record({
        room: slug,
        name: text,
        media: fc.constantFrom({ audio: true, video: true }, undefined),
      }),
    )
    fc.assert(
      fc.property(
        slug,
        fc.record({ name: fc.option(text), autojoin: fc.constantFrom('1', '0') }),
        text,
        remembered,
        fc.boolean(),
        (room, { name, autojoin }, ownName, call, automated) => {
          const search = `?${new URLSearchParams({ autojoin, ...(name !== null && { name }) })}`
          const kept = { 'parley.name': ownName, 'parley.call': JSON.stringify(call) }
          const pathname = `/r/${room}`
          const found = earlyRequest({
            pathname,
            search,
            hash: '',
            by: 'refresh',
            storage: storageOf(kept),
            tabStorage: storageOf(kept),
            automated,
          })
          // A call that is spoiled in the storage is none for the page.
          if (found && call?.media !== undefined)
            expect(found).toEqual(laterRequest(pathname, search, kept, automated))
        },
      ),
      { numRuns: 500 },
    )
  })

  const opened = {
    pathname: '/r/standup',
    search: '?autojoin=1&name=Ana',
    hash: '',
    by: 'refresh' as const,
    storage: storageOf({}),
    tabStorage: storageOf({}),
    automated: true,
  }
  const ana = joinRequest('standup', { name: 'Ana' }, '')

  it('is of who has no lobby to go through', () => {
    expect(earlyRequest(opened)).toEqual(ana)
    expect(earlyRequest({ ...opened, search: '?name=Ana' })).toBeUndefined()
    expect(earlyRequest({ ...opened, pathname: '/' })).toBeUndefined()
    const own = storageOf({ 'parley.name': 'Ana' })
    expect(earlyRequest({ ...opened, search: '?autojoin=1', storage: own })).toEqual(ana)
    const call = JSON.stringify({ room: 'standup', name: 'Ana' })
    const tabStorage = storageOf({ 'parley.call': call })
    expect(earlyRequest({ ...opened, search: '', tabStorage })).toEqual(ana)
    expect(earlyRequest({ ...opened, pathname: '/r/else', search: '', tabStorage })).toBeUndefined()
  })

  it('REQ-W5: a link leads into no room that nobody joined by hand on this device', () => {
    const person = { ...opened, automated: false }
    expect(earlyRequest(person)).toBeUndefined()
    let rooms = withRoom('standup', withRoom('other', null))
    const here = () => ({ ...person, storage: storageOf({ [roomsKey]: rooms }) })
    expect(earlyRequest(here())).toEqual(ana)
    expect(earlyRequest({ ...here(), pathname: '/r/stand' })).toBeUndefined()
    const at = (hash: string) => mayLead('standup', rooms, hash, 'link')
    expect([
      at(''),
      at('#key=abc'),
      at('#invite=of-another-tenant'),
      at('#key=abc&invite=x'),
    ]).toEqual([true, true, false, false])
    expect(earlyRequest({ ...here(), search: '?autojoin=%31&name=Ana' })).toBeUndefined()
    // The last fifty: a device that many share keeps no list without an end.
    for (let n = 0; n < 49; n++) rooms = withRoom(`room${n % 48}`, rooms)
    expect(earlyRequest(here())).toEqual(ana)
    for (let n = 0; n < 50; n++) rooms = withRoom(`more${n}`, rooms)
    expect(earlyRequest(here())).toBeUndefined()
    expect(rooms.split(' ')).toHaveLength(50)
  })

  it('REQ-W5, P27: a page that is led to, or brought back, by anybody goes on with no call', () => {
    const call = JSON.stringify({ room: 'standup', name: 'Ana' })
    const tabStorage = storageOf({ 'parley.call': call })
    const storage = storageOf({ [roomsKey]: 'standup' })
    const come = (by: Arrival['by'], search: string) =>
      earlyRequest({ ...opened, by, search, automated: false, tabStorage, storage })
    expect(come('refresh', '')).toEqual(ana)
    expect(come('link', '?autojoin=1&name=Ana')).toEqual(ana)
    for (const by of ['link', 'kept', 'unknown'] as const) expect(come(by, '')).toBeUndefined()
    for (const by of ['kept', 'unknown'] as const) {
      expect(come(by, '?autojoin=1&name=Ana')).toBeUndefined()
      expect(mayLead('standup', 'standup', '', by)).toBe(false)
    }
  })

  it('REQ-W5: says how the page was come to as the browser has it', () => {
    const of = (type: string) =>
      arrivalOf([{ type, name: 'https://meet.test/r/standup?x=1#k' }] as never)
    const pathname = '/r/standup'
    expect(of('navigate')).toEqual({ by: 'link', pathname })
    expect(of('reload')).toEqual({ by: 'refresh', pathname })
    for (const type of ['back_forward', 'prerender', 'constructor'])
      expect(of(type)).toEqual({ by: 'kept', pathname })
    expect(arrivalOf([]).by).toBe('unknown')
  })

  it('is not of who has signed in: it would be refused, as it does not show that', () => {
    const call = JSON.stringify({ room: 'standup', name: 'Ana' })
    const tabStorage = storageOf({ 'parley.call': call, 'parley.signed-in': '{}' })
    expect(earlyRequest({ ...opened, tabStorage })).toBeUndefined()
  })

  it('REQ-W2: asks for the seat with it, unless there is a key that the others are to hear of', () => {
    expect(JSON.parse(ana.body)).toEqual({ name: 'Ana', seat: true })
    const { body = '' } = earlyRequest({ ...opened, hash: '#key=x' }) ?? {}
    expect(JSON.parse(body)).toEqual({ name: 'Ana' })
  })

  it('spends no invitation, and needs no storage', () => {
    expect(earlyRequest({ ...opened, hash: '#invite=x' })).toBeUndefined()
    const refused = () => {
      throw new Error('SecurityError')
    }
    expect(earlyRequest({ ...opened, storage: refused, tabStorage: refused })).toEqual(ana)
    const spoiled = storageOf({ 'parley.call': '{' })
    expect(earlyRequest({ ...opened, tabStorage: spoiled })).toEqual(ana)
  })

  it('is taken once, and by the same request only', async () => {
    const post = async () => new Response('{"room":"standup"}')
    askEarly(ana, post)
    expect(await (await takeEarly(ana))?.json()).toEqual({ room: 'standup' })
    expect(takeEarly(ana)).toBeUndefined()
    askEarly(ana, post)
    expect(takeEarly(joinRequest('standup', { name: 'Ben' }, ''))).toBeUndefined()
    expect(takeEarly(ana)).toBeUndefined()
  })

  it('is whole, however late it is read', async () => {
    let timeOut = () => {}
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"code":"room-full"}'))
        controller.close()
        timeOut = () => controller.error(new DOMException('late', 'TimeoutError'))
      },
    })
    const headers = { date: 'Sun, 22 Nov 2026 05:00:00 GMT' }
    askEarly(ana, async () => new Response(body, { status: 409, headers }))
    const answer = await takeEarly(ana)
    timeOut()
    expect([answer?.status, answer?.headers.get('date')]).toEqual([409, headers.date])
    expect(await answer?.json()).toEqual({ code: 'room-full' })
  })

  it('is asked for again where nothing came of it', async () => {
    askEarly(ana, async () => {
      throw new TypeError('Failed to fetch')
    })
    const asked: JoinRequest[] = []
    const answer = await takeEarly(ana, async (request) => {
      asked.push(request)
      return new Response('{}')
    })
    expect([asked, answer?.ok]).toEqual([[ana], true])
  })
})
