import { describe, expect, it } from '@jest/globals'
import type { LinkFacts } from '@parley/protocol'
import fc from 'fast-check'
import { holderOf } from '../load.ts'
import { start } from '../store/testing/suite.ts'
import { reported } from './testing/suite.ts'
import { UnusedRelays } from './unused-relays.ts'

const holder = holderOf({ username: '4000000000:acme.r1.p-1' })
const over = (local: string, remote = 'host') => ({ selected: { local, remote } })

describe('who holds allocations and uses none', () => {
  it('REQ-K6: is who has said so of every link; who says nothing is not known to be', () => {
    const unused = new UnusedRelays()
    expect(unused.has(holder)).toBe(false)
    // A link that is not there yet says nothing.
    unused.take([reported({}, { selected: undefined })])
    expect(unused.has(holder)).toBe(false)
    // A relay of the other end is the other end's.
    unused.take([reported({}, { link: 0, ...over('host', 'relay') })])
    expect(unused.has(holder)).toBe(true)
    unused.take([reported({}, { link: 1, ...over('relay') })])
    expect(unused.has(holder)).toBe(false)
    unused.take([reported({ at: start + 2000 }, { link: 1, ...over('relay'), ended: true })])
    expect(unused.has(holder)).toBe(true)
    expect(unused.has(holderOf({ username: '4000000000:acme.r1.p-2' }))).toBe(false)
  })

  it('REQ-K6: is by the last word of each link, in whatever order and how often they came', () => {
    const words = fc.array(fc.constantFrom('host', 'prflx', 'relay'), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(words, fc.infiniteStream(fc.nat(4)), (locals, order) => {
        const all = locals.map((local, index) => reported({ at: start + index }, over(local)))
        const unused = new UnusedRelays()
        for (const index of order.take(10)) unused.take(all.slice(index, index + 1))
        unused.take(all.slice(-1))
        for (const one of all) unused.take([one])
        expect(unused.has(holder)).toBe(locals.at(-1) !== 'relay')
      }),
    )
  })

  it('REQ-K6: is known of so many and no more', () => {
    const unused = new UnusedRelays()
    const direct = over('host') as Partial<LinkFacts>
    const people = Array.from({ length: 50_001 }, (_, index) => `p-${index}`)
    unused.take(people.map((participant) => reported({ participant }, direct)))
    expect(unused.has(holderOf({ username: '4000000000:acme.r1.p-0' }))).toBe(false)
    expect(unused.has(holderOf({ username: '4000000000:acme.r1.p-1' }))).toBe(true)
    expect(unused.has(holderOf({ username: '4000000000:acme.r1.p-50000' }))).toBe(true)
  })
})
