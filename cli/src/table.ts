import { stripVTControlCharacters } from 'node:util'
import picocolors from 'picocolors'

/** Rows under a head, each column as wide as its widest cell; colours do not count as width. */
export function alignColumns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => visible(row[column] ?? ''))),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - visible(cell))))
      .join('   ')
      .trimEnd()
  return [picocolors.dim(line(head)), ...rows.map(line)].join('\n')
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length
}
