import { arrange, pageOf, type Rect } from './arrange.ts'
import { type LayoutState, shown } from './layoutState.ts'

/** One tile: a person, a shared screen, or oneself. */
export type Item = { kind: 'person' | 'screen' | 'own'; id: string }

export type Placed = {
  /** `middle`: the one that has the middle. */
  tiles: { item: Item; rect: Rect; middle: boolean }[]
  /** Two people: oneself has no place, but is in a corner of the other. */
  pair: boolean
  pager: { rect: Rect; page: number; pages: number } | null
}

type Request = {
  /** Of the stage, CSS pixels. */
  size: { width: number; height: number }
  layout: LayoutState
  /** Of the others. */
  ids: readonly string[]
  selfId: string
  /** From 0. */
  page: number
}

/** Who is on the stage, and where. */
export function placed({ size, layout, ids, selfId, page: wantedPage }: Request): Placed {
  const view = shown(layout, ids, layout.speaker)
  const pair = view.kind !== 'share' && ids.length === 1
  const own: Item = { kind: 'own', id: selfId }
  const others: Item[] = [
    ...layout.shares.filter((id) => id !== view.main).map((id): Item => ({ kind: 'screen', id })),
    ...ids
      .filter((id) => view.kind !== 'speaker' || id !== view.main || pair)
      .map((id): Item => ({ kind: 'person', id })),
  ]
  const alone = view.kind === 'speaker' && view.main === null
  const arrangement = arrange({
    ...size,
    kind: pair || alone ? 'grid' : view.kind,
    count: others.length + (pair ? 0 : 1),
  })
  const places = arrangement.tiles.length
  const { tiles, page, pages } = pageOf(others, pair ? null : own, places, wantedPage)
  const main: Item | null =
    pair || alone || view.main === null
      ? null
      : { kind: view.kind === 'share' ? 'screen' : 'person', id: view.main }
  const { main: middle, pager } = arrangement
  return {
    tiles: [
      ...(main && middle ? [{ item: main, rect: middle, middle: true }] : []),
      ...tiles.flatMap((item, index) => {
        const rect = arrangement.tiles[index]
        return rect ? [{ item, rect, middle: false }] : []
      }),
    ],
    pair,
    pager: pager && pages > 1 ? { rect: pager, page, pages } : null,
  }
}

/** In whole pixels, so that edges are sharp. */
export function styleOf({ x, y, width, height }: Rect) {
  const [left, top] = [Math.round(x), Math.round(y)]
  const [right, bottom] = [Math.floor(x + width), Math.floor(y + height)]
  return {
    left: `${left}px`,
    top: `${top}px`,
    width: `${right - left}px`,
    height: `${bottom - top}px`,
    '--tile-height': `${Math.min(bottom - top, (right - left) * 0.75)}px`,
  }
}
