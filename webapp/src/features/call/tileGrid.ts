export type TileGrid = { columns: number; tileWidth: number; tileHeight: number }

const narrowest = 0.8
const widest = 16 / 9

/**
 * The grid that gives `count` tiles the most area within `width` × `height` pixels, for tiles
 * between 4:5 (phones) and 16:9 in shape.
 */
export function tileGrid(count: number, width: number, height: number, gap: number): TileGrid {
  let best: TileGrid = { columns: 1, tileWidth: 0, tileHeight: 0 }
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns)
    const cellWidth = (width - gap * (columns - 1)) / columns
    const cellHeight = (height - gap * (rows - 1)) / rows
    if (cellWidth <= 0 || cellHeight <= 0) continue
    const shape = Math.min(widest, Math.max(narrowest, cellWidth / cellHeight))
    const tileWidth = Math.min(cellWidth, cellHeight * shape)
    const tileHeight = Math.min(cellHeight, cellWidth / shape)
    if (tileWidth * tileHeight > best.tileWidth * best.tileHeight)
      best = { columns, tileWidth, tileHeight }
  }
  return best
}
