import type { RelayCostReport } from '@parley/protocol'
import { renderReport, reportFormats } from '@parley/relay-cost'
import { Option } from 'commander'
import picocolors from 'picocolors'

export type Format = (typeof reportFormats)[number]

/** The option `-o` of what prints a report. */
export function format(): Option {
  return new Option('-o, --output <format>', 'how to print it')
    .choices([...reportFormats])
    .default('table')
}

export function print(report: RelayCostReport, output: Format): void {
  const width = process.stdout.columns ?? 100
  process.stdout.write(renderReport(report, output, { width, colour: picocolors }))
}
