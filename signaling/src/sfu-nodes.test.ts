import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { SfuNodes } from './sfu-nodes.ts'

const one = (listens: boolean) => new Map([['ND_1', listens]])
const times = (count: number, listens: boolean) => Array<boolean>(count).fill(listens)
/** Whether the pod is taken for dead at each of these looks. */
function verdicts(looks: readonly (boolean | 'forget')[], nodes = new SfuNodes()): boolean[] {
  return looks.map((look) => {
    if (look !== 'forget') return nodes.take(one(look)).length > 0
    nodes.forget()
    return false
  })
}

describe('REQ-K7: an SFU pod is dead', () => {
  it('when it was heard for 5 s and is silent twice; that is said once', () => {
    const said = verdicts([...times(20, true), ...times(5, false)])
    expect(said.indexOf(true)).toBe(21)
    expect(said.filter(Boolean)).toHaveLength(1)
  })

  it('not when it is silent for one look, however often', () => {
    const looks = fc.array(fc.nat({ max: 40 }), { maxLength: 20 })
    fc.assert(
      fc.property(looks, (heard) => {
        const said = verdicts(heard.flatMap((count) => [...times(count + 1, true), false]))
        expect(said).not.toContain(true)
      }),
    )
  })

  it('not before it is known, and not after Redis was away, whatever is seen of it', () => {
    const short = fc.array(fc.boolean(), { maxLength: 19 })
    fc.assert(
      fc.property(fc.array(short), (parts) => {
        const looks = parts.flatMap((part) => ['forget' as const, ...part])
        expect(verdicts(looks)).not.toContain(true)
      }),
    )
    expect(verdicts([...times(30, true), 'forget', ...times(9, false)])).not.toContain(true)
  })

  it('only where Redis says so at every look: one that comes and goes is left alone', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (looks) => {
        const at = verdicts(looks).indexOf(true)
        if (at < 0) return
        expect(looks.slice(at - 21, at + 1)).toEqual([...times(20, true), false, false])
      }),
      { examples: [[[...times(20, true), false, false]]] },
    )
  })

  it('not when it took itself off the list; and others are told from it', () => {
    const nodes = new SfuNodes()
    verdicts(times(20, true), nodes)
    expect(nodes.take(new Map())).toEqual([])
    expect(verdicts(times(4, false), nodes)).not.toContain(true)
    for (let i = 0; i < 20; i++)
      nodes.take(
        new Map([
          ['a', true],
          ['b', true],
        ]),
      )
    for (const dead of [[], ['b']])
      expect(
        nodes.take(
          new Map([
            ['a', true],
            ['b', false],
          ]),
        ),
      ).toEqual(dead)
  })
})
