export type TileGrid = { columns: number; tileWidth: number; tileHeight: number }

const widest = 16 / 9
/** One tile may be as tall as a phone; several stay near the shape of a camera's picture. */
const narrowest = (count: number) => (count === 1 ? 0.45 : 0.8)

/**
 * The grid that shows most of `count` pictures within `width` × `height` pixels.
 *
 * Tiles may be narrower than a 16:9 picture, which crops its sides: so a grid is judged by
 * the area of its tiles and, twice as much, by how much of the pictures that area shows.
 */
export function tileGrid(count: number, width: number, height: number, gap: number): TileGrid {
  let best: TileGrid = { columns: 1, tileWidth: 0, tileHeight: 0 }
  let bestScore = 0
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns)
    const cellWidth = (width - gap * (columns - 1)) / columns
    const cellHeight = (height - gap * (rows - 1)) / rows
    if (cellWidth <= 0 || cellHeight <= 0) continue
    const shape = Math.min(widest, Math.max(narrowest(count), cellWidth / cellHeight))
    const tileWidth = Math.min(cellWidth, cellHeight * shape)
    const tileHeight = Math.min(cellHeight, cellWidth / shape)
    const score = tileWidth * tileHeight * (1 + (2 * shape) / widest)
    if (score <= bestScore) continue
    bestScore = score
    best = { columns, tileWidth, tileHeight }
  }
  return best
}
