import type { TrendPoint } from './boardState.ts'

const columnsMax = 60

/**
 * A map of how many participants were in each row, in at most 60 columns of as many points each: of a column the
 * most that there were at once.
 *
 * @param rowsOf a point's participants by row
 */
export function heatOf(
  trend: readonly TrendPoint[],
  rowsOf: (point: TrendPoint) => readonly number[],
) {
  const size = Math.max(1, Math.ceil(trend.length / columnsMax))
  const columns: TrendPoint[][] = []
  for (let from = 0; from < trend.length; from += size) columns.push(trend.slice(from, from + size))
  const cells = columns.flatMap((points, column) => {
    const counts = points.map(rowsOf)
    return (counts[0] ?? []).map((_, row): [number, number, number] => [
      column,
      row,
      Math.max(...counts.map((rows) => rows[row] ?? 0)),
    ])
  })
  return {
    times: columns.map(([first]) => first?.at ?? 0),
    cells,
    range: {
      low: 0,
      high: Math.max(0, ...cells.map(([, , value]) => value)),
      colours: ['--sunken', '--accent'] as const,
    },
  }
}
