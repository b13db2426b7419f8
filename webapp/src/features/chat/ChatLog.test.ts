import { describe, expect, it } from '@jest/globals'
import type { ChatMessage } from '@parley/protocol'
import fc from 'fast-check'
import { ChatLog } from './ChatLog.ts'

const message = (at: number, from = 'p-other', text = `said at ${at}`): ChatMessage => ({
  id: `message-of-${from}-${at}`,
  at,
  from,
  name: from,
  text,
})

function log(max?: number): ChatLog {
  const one = new ChatLog(max)
  one.enter('p-self', 'Ana')
  return one
}

describe('ChatLog', () => {
  it('is in the order of the server, however it came', () => {
    const one = log()
    one.take([message(3), message(1)])
    one.take([message(2), message(1)])
    expect(one.entries.map(({ text }) => text)).toEqual(['said at 1', 'said at 2', 'said at 3'])
  })

  it('tells what is new of others, and nothing else', () => {
    const one = log()
    one.write({ id: 'mine', text: 'hello' })
    expect(one.take([message(1), { ...message(2, 'p-self'), id: 'mine' }])).toEqual([message(1)])
    expect(one.take([message(1)])).toEqual([])
  })

  it('keeps own messages behind those that are sent, until they are', () => {
    const one = log()
    one.write({ id: 'mine', text: 'hello' })
    expect(one.next()).toEqual({ id: 'mine', text: 'hello' })
    one.take([message(5)])
    expect(one.entries.map(({ state }) => state)).toEqual(['sent', 'sending'])
    one.accepted('mine', 4)
    expect(one.entries).toMatchObject([
      { id: 'mine', own: true, state: 'sent', at: 4 },
      { own: false, at: 5 },
    ])
  })

  it('what is refused is kept, tried again or let go by hand, and holds up nothing', () => {
    const one = log()
    one.write({ id: 'a', text: 'a' })
    one.write({ id: 'b', text: 'b' })
    one.next()
    one.refused('a')
    expect(one.next()).toEqual({ id: 'b', text: 'b' })
    one.unanswered('b')
    one.retry('a')
    expect(one.next()).toEqual({ id: 'a', text: 'a' })
    one.refused('a')
    one.discard('a')
    one.discard('b')
    expect(one.entries.map(({ id, state }) => [id, state])).toEqual([['b', 'waiting']])
  })

  it('lets the oldest go, and takes them not again', () => {
    const one = log(2)
    one.take([message(1), message(2), message(3)])
    expect(one.take([message(1)])).toEqual([])
    expect(one.entries.map(({ text }) => text)).toEqual(['said at 2', 'said at 3'])
  })

  it('own messages stay own when the page comes back as another participant', () => {
    const one = log()
    one.write({ id: 'mine', text: 'hello' })
    one.accepted('mine', 1)
    one.enter('p-again', 'Ana')
    one.write({ id: 'next', text: 'again' })
    expect(one.entries.map(({ own }) => own)).toEqual([true, true])
  })
})

/** A server that keeps each id once, and the ways to it, on which anything may be late or lost. */
class World {
  readonly server: ChatMessage[] = []
  readonly pages = ['p-a', 'p-b', 'p-c'].map((id) => ({ id, log: new ChatLog(), online: true }))
  readonly written = new Map<string, string[]>()
  /** On their way, each to one page, while its socket lives. */
  #underway: { to: number; run: () => void }[] = []
  #count = 0

  constructor() {
    for (const { id, log } of this.pages) log.enter(id, id)
  }

  write(who: number): void {
    const page = this.#page(who)
    const id = `message-${this.#count++}`
    page.log.write({ id, text: id })
    this.written.set(page.id, [...(this.written.get(page.id) ?? []), id])
    this.#pump(who)
  }

  /** Delivers one of what is underway, not in any order. */
  deliver(which: number): void {
    const [one] = this.#underway.splice(which % Math.max(1, this.#underway.length), 1)
    one?.run()
  }

  /** The socket goes, and with it all that was underway. */
  drop(who: number): void {
    const page = this.#page(who)
    page.online = false
    this.#underway = this.#underway.filter(({ to }) => to !== who)
    page.log.away()
  }

  returns(who: number): void {
    const page = this.#page(who)
    if (page.online) return
    page.online = true
    const history = [...this.server]
    this.#underway.push({ to: who, run: () => page.log.take(history) })
    this.#pump(who)
  }

  settle(): void {
    for (const [who] of this.pages.entries()) this.returns(who)
    while (this.#underway.length > 0) this.deliver(0)
  }

  #page(who: number) {
    const page = this.pages[who]
    if (!page) throw new Error('no such page')
    return page
  }

  #pump(who: number): void {
    const { log, online, id: from } = this.#page(who)
    const next = online ? log.next() : undefined
    if (!next) return
    this.#underway.push({
      to: who,
      run: () => {
        const at = this.#take(from, next)
        this.#underway.push({
          to: who,
          run: () => {
            log.accepted(next.id, at)
            this.#pump(who)
          },
        })
      },
    })
  }

  #take(from: string, { id, text }: { id: string; text: string }): number {
    const known = this.server.find((one) => one.id === id)
    const taken = known ?? { id, text, from, name: from, at: (this.server.at(-1)?.at ?? 0) + 1 }
    if (!known) this.server.push(taken)
    for (const [to, { log, online }] of this.pages.entries())
      if (online) this.#underway.push({ to, run: () => log.take([taken]) })
    return taken.at
  }
}

describe('chat over sockets that come and go', () => {
  const who = fc.nat(2)
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('write' as const), with: who }),
      fc.record({ do: fc.constant('deliver' as const), with: fc.nat(50) }),
      fc.record({ do: fc.constant('deliver' as const), with: fc.nat(50) }),
      fc.record({ do: fc.constant('drop' as const), with: who }),
      fc.record({ do: fc.constant('returns' as const), with: who }),
    ),
    { maxLength: 60 },
  )

  it('no message is lost or doubled, and all pages have them in the order of the server', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const world = new World()
        for (const step of list) world[step.do](step.with)
        world.settle()
        const order = world.server.map(({ id }) => id)
        expect(new Set(order).size).toBe(order.length)
        expect([...world.written.values()].flat().sort()).toEqual([...order].sort())
        for (const { id, log } of world.pages) {
          expect(log.entries.map((entry) => entry.id)).toEqual(order)
          expect(log.entries.every(({ state }) => state === 'sent')).toBe(true)
          // One's own in the order in which they were written.
          const own = order.filter((one) => world.written.get(id)?.includes(one))
          expect(own).toEqual(world.written.get(id) ?? [])
        }
      }),
      { numRuns: 500 },
    )
  })

  it('meanwhile every page is in the order of the server, and has all that it wrote', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const world = new World()
        for (const step of list) {
          world[step.do](step.with)
          for (const { id, log } of world.pages) {
            const ids = log.entries.map((entry) => entry.id)
            expect(new Set(ids).size).toBe(ids.length)
            const ats = log.entries.flatMap((entry) => (entry.state === 'sent' ? [entry.at] : []))
            expect(ats).toEqual([...ats].sort((a, b) => a - b))
            expect(ids).toEqual(expect.arrayContaining(world.written.get(id) ?? []))
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
