import { stripVTControlCharacters } from 'node:util'
import { colours } from './colours.ts'

/**
 * Rows under a head, each column as wide as its widest cell; colours do not count as width.
 * @param options.right columns whose cells end at the right, as numbers do
 * @param options.gap spaces between two columns
 */
export function alignColumns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], gap = 3 }: { right?: readonly number[]; gap?: number } = {},
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => visible(row[column] ?? ''))),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const space = ' '.repeat(Math.max(0, (widths[column] ?? 0) - visible(cell)))
        return right.includes(column) ? space + cell : cell + space
      })
      .join(' '.repeat(gap))
      .trimEnd()
  return [colours.dim(line(head)), ...rows.map(line)].join('\n')
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length
}
