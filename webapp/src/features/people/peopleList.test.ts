import { describe, expect, it } from '@jest/globals'
import { type Role, roles } from '@parley/protocol'
import fc from 'fast-check'
import { type Listed, peopleList } from './peopleList.ts'

const person = (name: string, more: Partial<Listed> = {}): Listed => ({
  id: `p-${name}`,
  name,
  handAt: undefined,
  role: 'guest',
  self: false,
  ...more,
})
const names = (people: Listed[], search = '') => peopleList(people, search, 'en').map((p) => p.name)

describe('the list of people', () => {
  it('has raised hands first in their order, then oneself, hosts, and everybody by name', () => {
    const people = [
      person('zoe'),
      person('Ana'),
      person('Kofi', { role: 'host' }),
      person('Minh', { handAt: 20 }),
      person('Self', { self: true }),
      person('Li', { handAt: 10 }),
    ]
    expect(names(people)).toEqual(['Li', 'Minh', 'Self', 'Kofi', 'Ana', 'zoe'])
  })

  it('finds names whatever their case and accents', () => {
    const people = [person('Đặng Thị Hà'), person('José'), person('Jo')]
    expect(names(people, 'jose')).toEqual(['José'])
    expect(names(people, ' DANG thi')).toEqual(['Đặng Thị Hà'])
    expect(names(people, 'x')).toEqual([])
  })

  it('loses nobody, and is the same whatever order people came in', () => {
    const anybody = fc.record({
      id: fc.string({ minLength: 1, maxLength: 4 }),
      name: fc.string({ unit: 'grapheme', maxLength: 5 }),
      handAt: fc.option(fc.nat(5), { nil: undefined }),
      role: fc.constantFrom<Role>(...roles),
      self: fc.boolean(),
    })
    const room = fc.uniqueArray(anybody, { selector: ({ id }) => id, maxLength: 20 })
    fc.assert(
      fc.property(
        room.chain((people) =>
          fc.tuple(fc.constant(people), fc.shuffledSubarray(people, { minLength: people.length })),
        ),
        ([people, shuffled]) => {
          const list = peopleList(people, '', 'en')
          expect(list.map(({ id }) => id).sort()).toEqual(people.map(({ id }) => id).sort())
          expect(peopleList(shuffled, '', 'en')).toEqual(list)
          const up = list.map(({ handAt }) => handAt !== undefined)
          expect(up).toEqual([...up].sort((a, b) => Number(b) - Number(a)))
        },
      ),
      { numRuns: 200 },
    )
  })
})
