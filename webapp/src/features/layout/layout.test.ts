import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { arrange, pageOf, type Rect } from './arrange.ts'
import {
  choose,
  initialLayout,
  type LayoutState,
  nextSpeaker,
  shown,
  showShare,
  takeShares,
  togglePin,
} from './layoutState.ts'

const viewport = fc.record({
  width: fc.integer({ min: 320, max: 3840 }),
  height: fc.integer({ min: 240, max: 2160 }),
})
const people = fc.integer({ min: 1, max: 50 })
/** What bars, notices and an open panel may take of the viewport. */
const taken = fc.record({ x: fc.integer({ min: 0, max: 88 }), y: fc.integer({ min: 0, max: 180 }) })
const stage = fc.tuple(viewport, taken).map(([{ width, height }, { x, y }]) => ({
  width: width - x,
  height: height - y,
}))

const area = ({ width, height }: Rect) => width * height
const overlap = (a: Rect, b: Rect) =>
  Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 1e-6 &&
  Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 1e-6

describe('Feature: webrtc-improvements, Property 20: a share has room', () => {
  it('REQ-P20: its area is at least twice that of a tile, in any viewport, with 1 to 50 people', () => {
    fc.assert(
      fc.property(stage, people, (size, count) => {
        const { main, tiles } = arrange({ kind: 'share', ...size, count })
        expect(tiles.length).toBeGreaterThan(0)
        const largest = Math.max(...tiles.map(area))
        expect(area(main as Rect)).toBeGreaterThanOrEqual(2 * largest)
      }),
      { numRuns: 1000 },
    )
  })

  it('REQ-P20: whoever shares is in the middle, whatever was chosen or pinned', () => {
    fc.assert(
      fc.property(steps(), (run) => {
        const state = run.reduce(step, initialLayout)
        const { kind, main } = shown(state, ids, null)
        if (state.shares.length === 0) return
        expect(kind).toBe('share')
        expect(state.shares).toContain(main)
      }),
      { numRuns: 300 },
    )
  })
})

describe('Feature: webrtc-improvements, Property 21: after the share it is as it was', () => {
  it('REQ-P21: the earlier layout is back, after any shares of any people', () => {
    fc.assert(
      fc.property(steps(), steps(), fc.constantFrom(null, ...ids), (before, during, speaking) => {
        const earlier = takeShares(before.reduce(step, initialLayout), [])
        const sharing = during.filter(({ do: what }) => what === 'share' || what === 'show')
        const began = takeShares(earlier, ['a'])
        const later = takeShares(sharing.reduce(step, began), [])
        expect(shown(began, ids, speaking).kind).toBe('share')
        expect(shown(later, ids, speaking)).toEqual(shown(earlier, ids, speaking))
      }),
      { numRuns: 300 },
    )
  })

  it('REQ-P21: what the person chose meanwhile holds then, as if nobody had shared', () => {
    fc.assert(
      fc.property(steps(), fc.constantFrom(null, ...ids), (run, speaking) => {
        const after = takeShares(run.reduce(step, initialLayout), [])
        const choices = run.filter(({ do: what }) => what === 'choose' || what === 'pin')
        const without = choices.reduce(step, initialLayout)
        expect(shown(after, ids, speaking)).toEqual(shown(without, ids, speaking))
      }),
      { numRuns: 300 },
    )
  })
})

describe('the stage', () => {
  it('REQ-W3: shows nothing over anything else or outside', () => {
    const kinds = fc.constantFrom('grid', 'speaker', 'share')
    fc.assert(
      fc.property(kinds, stage, people, (kind, size, count) => {
        const { main, tiles, pager } = arrange({ kind, ...size, count })
        const rects = [...tiles, ...(main ? [main] : []), ...(pager ? [pager] : [])]
        const outside = rects.filter(
          ({ x, y, width, height }) =>
            !(Math.min(width, height) > 0 && Math.min(x, y) > -1e-6) ||
            x + width > size.width + 1e-6 ||
            y + height > size.height + 1e-6,
        )
        expect(outside).toEqual([])
        const covered = rects.filter((a, i) => rects.slice(i + 1).some((b) => overlap(a, b)))
        expect(covered).toEqual([])
        expect(tiles.length).toBeLessThanOrEqual(count)
        if (tiles.length < count) expect(pager).not.toBeNull()
      }),
      { numRuns: 500 },
    )
  })

  it('has everybody on one of its pages, and oneself on each', () => {
    fc.assert(
      fc.property(people, fc.integer({ min: 1, max: 12 }), (count, places) => {
        const others = Array.from({ length: count - 1 }, (_, index) => index)
        const { pages } = pageOf(others, -1, places, 0)
        const all = Array.from({ length: pages }, (_, page) => pageOf(others, -1, places, page))
        expect(all.flatMap(({ tiles }) => tiles.filter((tile) => tile >= 0))).toEqual(others)
        for (const { tiles } of all) {
          expect(tiles.length).toBeLessThanOrEqual(places)
          if (places > 1) expect(tiles.at(-1)).toBe(-1)
        }
        expect(pageOf(others, -1, places, 99).page).toBe(pages - 1)
      }),
    )
  })

  it('shows the share that began last, and another one when asked', () => {
    let state = takeShares(initialLayout, ['a'])
    state = takeShares(state, ['b', 'a'])
    expect(shown(state, ids, null).main).toBe('b')
    state = showShare(state, 'a')
    expect(shown(state, ids, null).main).toBe('a')
    expect(shown(takeShares(state, ['a', 'b', 'c']), ids, null).main).toBe('c')
    expect(shown(takeShares(state, ['b']), ids, null).main).toBe('b')
  })

  it('keeps who speaks in the middle until silent, and while nobody else speaks', () => {
    expect(nextSpeaker(null, [])).toBeNull()
    expect(nextSpeaker(null, ['b', 'a'])).toBe('b')
    expect(nextSpeaker('b', ['a', 'b'])).toBe('b')
    expect(nextSpeaker('b', ['a'])).toBe('a')
    expect(nextSpeaker('b', [])).toBe('b')
  })

  it('has who speaks in the middle, the pinned one before that, and nobody who left', () => {
    const speaker = choose(initialLayout, 'speaker')
    expect(shown(speaker, ids, 'b')).toEqual({ kind: 'speaker', main: 'b' })
    expect(shown(speaker, ids, null)).toEqual({ kind: 'speaker', main: 'a' })
    expect(shown(togglePin(speaker, 'c'), ids, 'b').main).toBe('c')
    expect(shown(togglePin(speaker, 'c'), ['a', 'b'], 'b').main).toBe('b')
    expect(shown(togglePin(togglePin(speaker, 'c'), 'c'), ids, 'b').main).toBe('b')
    expect(shown(togglePin(initialLayout, 'c'), ids, null).kind).toBe('speaker')
    expect(shown(choose(togglePin(speaker, 'c'), 'grid'), ids, null).kind).toBe('grid')
  })
})

const ids = ['a', 'b', 'c', 'd']

type Step =
  | { do: 'choose'; layout: 'grid' | 'speaker' }
  | { do: 'pin' | 'show'; id: string }
  | { do: 'share'; sharing: string[] }

function steps(): fc.Arbitrary<Step[]> {
  const id = fc.constantFrom(...ids)
  return fc.array(
    fc.oneof(
      fc.record({
        do: fc.constant('choose' as const),
        layout: fc.constantFrom('grid' as const, 'speaker' as const),
      }),
      fc.record({ do: fc.constantFrom('pin' as const, 'show' as const), id }),
      fc.record({ do: fc.constant('share' as const), sharing: fc.subarray(ids) }),
    ),
    { maxLength: 12 },
  )
}

function step(state: LayoutState, now: Step): LayoutState {
  switch (now.do) {
    case 'choose':
      return choose(state, now.layout)
    case 'pin':
      return togglePin(state, now.id)
    case 'show':
      return showShare(state, now.id)
    case 'share':
      return takeShares(state, now.sharing)
  }
}
