import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RelayCostReport } from '@parley/protocol'
import { hourMs, PricesError, renderReport, type Window } from '@parley/relay-cost'
import { settleMs } from './usage.ts'

/** Periods that are caught up with after a pause, the latest ones. */
const mostPeriods = 1000
const formats = { json: 'json', focus: 'focus.csv' } as const

export type WrittenFiles = { written: string[]; unpriced?: PricesError }

/**
 * Reports of whole periods as files, `<from>_<to>.json` and `.focus.csv`, in a folder. A period is
 * written when its last hour is settled, once; delete its files to have it written again.
 */
export class ReportFiles {
  readonly #folder: string
  readonly #intervalMs: number
  readonly #report: (window: Window) => Promise<RelayCostReport>

  /** @param intervalMs length of a period, whole hours; periods begin at its multiples (UTC) */
  constructor(
    { folder, intervalMs }: { folder: string; intervalMs: number },
    report: (window: Window) => Promise<RelayCostReport>,
  ) {
    this.#folder = folder
    this.#intervalMs = intervalMs
    this.#report = report
  }

  /**
   * Writes the periods since `since` that are over and not there yet.
   * @param since epoch ms of what is known first; undefined: nothing is
   * @returns the names of what was written, and why not the first period for which there are no prices
   */
  async write(since: number | undefined, now: number): Promise<WrittenFiles> {
    await mkdir(this.#folder, { recursive: true })
    const present = new Set(await readdir(this.#folder))
    for (const name of present)
      if (name.endsWith('.part')) await rm(join(this.#folder, name), { force: true })
    const written: string[] = []
    let unpriced: PricesError | undefined
    for (const period of this.#periods(since ?? now, now)) {
      const missing = Object.entries(formats)
        .map(([format, ending]) => ({ format, name: `${nameOf(period)}.${ending}` }))
        .filter(({ name }) => !present.has(name))
      if (missing.length === 0) continue
      const report = await this.#report(period).catch((error: Error) => {
        if (!(error instanceof PricesError)) throw error
        unpriced ??= error
      })
      if (!report) continue
      for (const { format, name } of missing) {
        await writeWhole(join(this.#folder, name), renderReport(report, format as 'json' | 'focus'))
        written.push(name)
      }
    }
    return { written, ...(unpriced && { unpriced }) }
  }

  #periods(since: number, now: number): Window[] {
    const length = this.#intervalMs
    const last = Math.floor((now - settleMs) / length) * length
    const first = Math.max(Math.floor(since / length) * length, last - mostPeriods * length)
    const periods: Window[] = []
    for (let from = first; from + length <= last; from += length)
      periods.push({ from, to: from + length })
    return periods
  }
}

/** `2026-11-21T10Z_2026-11-21T11Z`: no colon, which some file systems do not take. */
function nameOf({ from, to }: Window): string {
  const hour = (at: number) => `${new Date(at - (at % hourMs)).toISOString().slice(0, 13)}Z`
  return `${hour(from)}_${hour(to)}`
}

/** Whoever reads the folder sees all of the file or nothing. */
async function writeWhole(path: string, text: string): Promise<void> {
  const part = `${path}.part`
  const file = await open(part, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(part, path)
}
