import type { RelayCostReport } from '@parley/protocol'
import { renderReport, reportFormats } from '@parley/relay-cost'
import { InvalidArgumentError, Option } from 'commander'
import { colours } from '../../colours.ts'

export type Format = (typeof reportFormats)[number]

/** The option `-o` of what prints a report. */
export function format(): Option {
  return new Option('-o, --output <format>', 'how to print it')
    .choices([...reportFormats])
    .default('table')
}

/** The option `--top` of what prints a report as a table. */
export function top(): Option {
  return new Option(
    '--top <rows>',
    'in the table: this many rows, and the sum of the others',
  ).argParser((text) => {
    const rows = Number(text)
    if (Number.isInteger(rows) && rows >= 1) return rows
    throw new InvalidArgumentError('It must be a whole number, 1 or more.')
  })
}

export function print(
  report: RelayCostReport,
  { output, top }: { output: Format; top?: number },
): void {
  const width = process.stdout.columns ?? 100
  process.stdout.write(
    renderReport(report, output, { width, colour: colours, ...(top !== undefined && { top }) }),
  )
}
