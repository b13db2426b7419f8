import { tileGrid } from './tileGrid.ts'

/** In CSS pixels, from the stage's upper left corner. */
export type Rect = { x: number; y: number; width: number; height: number }

export type ArrangeRequest = {
  kind: 'grid' | 'speaker' | 'share'
  /** Of the stage, CSS pixels. */
  width: number
  height: number
  /** Tiles besides what is in the middle; of a grid, all. */
  count: number
}

export type Arrangement = {
  /** The middle: a person or a share. */
  main: Rect | null
  /** The tiles of one page; `count` of them, or fewer where not all have room. */
  tiles: Rect[]
  /** Where the buttons that turn pages go, if there is more than one page. */
  pager: Rect | null
}

const pagerSize = 36
/** The strip beside the middle takes at most this part of the stage (REQ-P20). */
const stripShare = 0.24
const stripWidest = 232
const stripShape = 1.6
const stripLowest = 92
/** Below this a face cannot be told. */
const smallest = (width: number) =>
  width < 600 ? { width: 120, height: 84 } : { width: 168, height: 96 }

export const gapOf = (width: number, height: number) =>
  Math.min(width < 600 || height < 420 ? 8 : 12, width / 40, height / 20)

/** Where everything on the stage goes. Nothing overlaps and nothing leaves the stage. */
export function arrange(request: ArrangeRequest): Arrangement {
  const { kind, width, height, count } = request
  if (width <= 0 || height <= 0) return { main: null, tiles: [], pager: null }
  if (kind === 'grid') return grid(request)
  if (count === 0) return { main: { x: 0, y: 0, width, height }, tiles: [], pager: null }
  return width >= height * 1.05 ? besideStrip(request) : aboveTiles(request)
}

function grid({ width, height, count }: ArrangeRequest): Arrangement {
  const gap = gapOf(width, height)
  const fits = (tiles: number, height: number) => {
    const { tileWidth, tileHeight } = tileGrid(tiles, width, height, gap)
    const least = smallest(width)
    return tileWidth >= least.width && tileHeight >= least.height
  }
  if (count <= 4 || fits(count, height))
    return { main: null, tiles: gridTiles(count, width, height, gap), pager: null }
  const paged = Math.max(1, height - pagerSize - gap)
  let perPage = count - 1
  while (perPage > 2 && !fits(perPage, paged)) perPage--
  return {
    main: null,
    tiles: gridTiles(perPage, width, paged, gap),
    pager: { x: 0, y: paged + gap, width, height: Math.max(0, height - paged - gap) },
  }
}

/** Rows in the middle of the stage, the last one centred. */
function gridTiles(count: number, width: number, height: number, gap: number): Rect[] {
  const { columns, tileWidth, tileHeight } = tileGrid(count, width, height, gap)
  const rows = Math.ceil(count / columns)
  const top = (height - rows * tileHeight - (rows - 1) * gap) / 2
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns)
    const inRow = Math.min(columns, count - row * columns)
    const left = (width - inRow * tileWidth - (inRow - 1) * gap) / 2
    return {
      x: left + (index % columns) * (tileWidth + gap),
      y: top + row * (tileHeight + gap),
      width: tileWidth,
      height: tileHeight,
    }
  })
}

function besideStrip({ width, height, count }: ArrangeRequest): Arrangement {
  const gap = gapOf(width, height)
  const widest = Math.min(stripWidest, width * stripShare)
  // Rather smaller tiles than a second page, as long as faces can be told.
  const room = (height - gap * (count - 1)) / count
  const wanted = Math.min(height, widest / stripShape, Math.max(stripLowest, room))
  const { places, length, tile: tileHeight } = strip(count, height, wanted, gap)
  const tileWidth = Math.min(widest, tileHeight * stripShape)
  const x = width - tileWidth
  const top = Math.max(0, (length - places * tileHeight - (places - 1) * gap) / 2)
  return {
    main: { x: 0, y: 0, width: x - gap, height },
    tiles: Array.from({ length: places }, (_, index) => ({
      x,
      y: top + index * (tileHeight + gap),
      width: tileWidth,
      height: tileHeight,
    })),
    pager: length < height ? { x, y: length, width: tileWidth, height: height - length } : null,
  }
}

/** How many tiles of about a size a strip holds, and how long it is beside the buttons for pages. */
function strip(count: number, whole: number, wanted: number, gap: number) {
  const held = (length: number, tile: number) =>
    Math.max(1, Math.floor((length + gap) / (tile + gap) + 1e-9))
  if (count <= held(whole, wanted)) return { places: count, length: whole, tile: wanted }
  const length = whole - Math.min(pagerSize, whole / 2)
  const tile = Math.min(wanted, length)
  return { places: held(length, tile), length, tile }
}

/** A stage that is taller than wide: the middle above, about the shape of a screen, tiles below. */
function aboveTiles({ width, height, count }: ArrangeRequest): Arrangement {
  const gap = gapOf(width, height)
  const mainHeight = Math.min(height * 0.76 - gap, Math.max(width * 0.75, height * 0.5))
  const y = mainHeight + gap
  const below = grid({ kind: 'grid', width, height: height - y, count })
  const largest = (width * mainHeight) / 2.1
  const lower = (rect: Rect) => ({ ...rect, y: rect.y + y })
  return {
    main: { x: 0, y: 0, width, height: mainHeight },
    tiles: below.tiles.map((tile) => lower(shrunk(tile, largest))),
    pager: below.pager && lower(below.pager),
  }
}

/** Around its middle, to an area of at most so many square pixels. */
function shrunk({ x, y, width, height }: Rect, area: number): Rect {
  const factor = Math.min(1, Math.sqrt(area / (width * height)))
  return {
    x: x + (width * (1 - factor)) / 2,
    y: y + (height * (1 - factor)) / 2,
    width: width * factor,
    height: height * factor,
  }
}

export type TilePage<T> = { tiles: T[]; page: number; pages: number }

/**
 * The tiles of one page. Oneself is on every page, last, where there is room for another one too.
 *
 * @param page from 0; beyond the last page it is the last
 */
export function pageOf<T>(others: readonly T[], self: T | null, places: number, page: number) {
  const own = self !== null && (places > 1 || others.length === 0) ? [self] : []
  const perPage = Math.max(1, places - own.length)
  const pages = Math.max(1, Math.ceil(others.length / perPage))
  const at = Math.min(Math.max(0, page), pages - 1)
  const tiles = [...others.slice(at * perPage, (at + 1) * perPage), ...own]
  return { tiles, page: at, pages } satisfies TilePage<T>
}
