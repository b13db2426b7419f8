/** What all benches have in common: figures, floors, and how they are said. */

/** One measured value. Where it has a `floor` it must not be worse than that. */
export interface Figure {
  name: string
  value: number
  unit: string
  /** What it is compared with, measured in the same run, in the same unit. */
  baseline?: { name: string; value: number }
  /** `value` as a part of `baseline.value`. */
  ratio?: number
  floor?: Floor
  /** Lowest and highest of several runs, of which `value` is the median. */
  spread?: [number, number]
}

/** Bounds of the figure itself, or of its ratio to the baseline. */
export type Floor = { atLeast: number } | { atMost: number } | { ratioAtLeast: number }

export interface BenchOptions {
  /** Sizes to measure at; without it, the bench's own. */
  sizes?: number[]
  /** Runs of each size. */
  repeat: number
  /** Which parts of the bench to run; without it, all. */
  parts?: string[]
  /** Where the bench's files are made, stay, and are used again; without it, in a folder that is removed. */
  folder?: string
  /** One line of progress. */
  say: (line: string) => void
  signal: AbortSignal
}

export interface Bench {
  name: string
  /** One sentence for the list of benches. */
  summary: string
  /** How long all of it takes on two quiet cores. */
  minutes: number
  /** What can be run by itself. */
  parts?: readonly string[]
  run(options: BenchOptions): Promise<Figure[]>
}

/** Whether the figure is as good as its floor asks; true where there is none. Of nothing measured none is. */
export function meetsFloor({ value, ratio, floor }: Figure): boolean {
  if (floor === undefined) return true
  // The greatest of no values is -Infinity.
  if (!Number.isFinite(value)) return false
  if ('atLeast' in floor) return value >= floor.atLeast
  if ('atMost' in floor) return value <= floor.atMost
  return ratio !== undefined && ratio >= floor.ratioAtLeast
}

/** Figures of the same runs, by name: the median of each, with its spread. @throws when they do not match */
export function mergeRuns(runs: readonly Figure[][]): Figure[] {
  const [first = []] = runs
  if (runs.length < 2) return first
  return first.map((figure, index) => {
    const same = runs.map((run) => run[index] ?? figure)
    if (same.some(({ name }) => name !== figure.name)) {
      throw new Error(`runs differ in their figures: ${figure.name}`)
    }
    const values = same.map(({ value }) => value)
    const baselines = same.flatMap(({ baseline }) => baseline?.value ?? [])
    const ratios = same.flatMap(({ ratio }) => ratio ?? [])
    return {
      ...figure,
      value: median(values),
      ...(figure.baseline
        ? { baseline: { name: figure.baseline.name, value: median(baselines) } }
        : {}),
      ...(ratios.length > 0 ? { ratio: median(ratios) } : {}),
      spread: [Math.min(...values), Math.max(...values)],
    }
  })
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** Nearest rank; NaN of none, and where one is NaN, which has no rank. @param part 0 to 1 */
export function percentile(values: readonly number[], part: number): number {
  if (values.some(Number.isNaN)) return Number.NaN
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

/** The figures as a table for people. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    meetsFloor(figure) ? (figure.floor ? '✓' : ' ') : '✗',
    figure.name,
    `${round(figure.value)} ${figure.unit}`,
    [
      figure.baseline && figure.ratio !== undefined
        ? `${Math.round(figure.ratio * 100)} % of ${round(figure.baseline.value)} (${figure.baseline.name})`
        : '',
      figure.floor ? `floor ${floorText(figure.floor)}` : '',
      figure.spread ? `${round(figure.spread[0])} to ${round(figure.spread[1])}` : '',
    ]
      .filter(Boolean)
      .join(', '),
  ])
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows
    .map(([mark = '', name = '', value = '', more = '']) =>
      `${mark} ${name.padEnd(width(1))}  ${value.padStart(width(2))}  ${more}`.trimEnd(),
    )
    .join('\n')
}

function floorText(floor: Floor): string {
  if ('atLeast' in floor) return `≥ ${floor.atLeast}`
  if ('atMost' in floor) return `≤ ${floor.atMost}`
  return `≥ ${Math.round(floor.ratioAtLeast * 100)} %`
}

/** Three digits that count. */
function round(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
