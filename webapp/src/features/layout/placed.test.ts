import { describe, expect, it } from '@jest/globals'
import { initialLayout, type LayoutState } from './layoutState.ts'
import { placed } from './placed.ts'

const on = (ids: string[], layout: Partial<LayoutState> = {}, page = 0) =>
  placed({
    size: { width: 1200, height: 700 },
    layout: { ...initialLayout, ...layout },
    ...{ ids, selfId: 'me', page },
  })
const shownAs = (ids: string[], layout?: Partial<LayoutState>) =>
  on(ids, layout).tiles.map(({ item, middle }) => `${item.kind} ${item.id}${middle ? ' !' : ''}`)

describe('who is on the stage', () => {
  it.each<[string, string[], Partial<LayoutState>, string[]]>([
    ['oneself', [], {}, ['own me']],
    ['oneself, whatever was chosen', [], { chosen: 'speaker' }, ['own me']],
    ['of two people the other', ['a'], {}, ['person a']],
    ['of two people the other, whatever was chosen', ['a'], { chosen: 'speaker' }, ['person a']],
    ['everybody', ['a', 'b'], {}, ['person a', 'person b', 'own me']],
    ['who is pinned', ['a', 'b'], { pinned: 'b' }, ['person b !', 'person a', 'own me']],
    [
      'REQ-P20: what is shared, and everybody beside it',
      ['a', 'b'],
      { shares: ['a', 'b'] },
      ['screen b !', 'screen a', 'person a', 'person b', 'own me'],
    ],
    ['what oneself shares', ['a'], { shares: ['me'] }, ['screen me !', 'person a', 'own me']],
  ])('shows %s', (_, ids, layout, wanted) => {
    expect(shownAs(ids, layout)).toEqual(wanted)
  })

  it('has oneself in a corner where two people meet', () => {
    expect(on(['a']).pair).toBe(true)
    expect(on(['a', 'b']).pair).toBe(false)
    expect(on(['a'], { shares: ['a'] }).pair).toBe(false)
  })

  it('turns pages where not all have room, with oneself on each', () => {
    const ids = Array.from({ length: 60 }, (_, index) => `p${index}`)
    const first = on(ids)
    const second = on(ids, {}, 1)
    expect(first.pager?.pages).toBeGreaterThan(1)
    expect(second.pager?.page).toBe(1)
    expect(second.tiles[0]?.item.id).toBe(`p${first.tiles.length - 1}`)
    for (const { tiles } of [first, second]) expect(tiles.at(-1)?.item.kind).toBe('own')
  })
})
