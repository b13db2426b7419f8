/**
 * Rules of FOCUS 1.2 (https://focus.finops.org/focus-specification/v1-2) for the mandatory columns:
 * their types, where null is allowed, the values there are, and how they hang together.
 */

type Rule = { type: 'decimal' | 'string' | 'instant'; nullable?: true; values?: readonly string[] }

const columns: Readonly<Record<string, Rule>> = {
  BilledCost: { type: 'decimal' },
  BillingAccountId: { type: 'string' },
  BillingAccountName: { type: 'string', nullable: true },
  BillingCurrency: { type: 'string' },
  BillingPeriodStart: { type: 'instant' },
  BillingPeriodEnd: { type: 'instant' },
  ChargeCategory: { type: 'string', values: ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment'] },
  ChargeClass: { type: 'string', nullable: true, values: ['Correction'] },
  ChargeDescription: { type: 'string', nullable: true },
  ChargePeriodStart: { type: 'instant' },
  ChargePeriodEnd: { type: 'instant' },
  ContractedCost: { type: 'decimal' },
  EffectiveCost: { type: 'decimal' },
  InvoiceIssuerName: { type: 'string' },
  ListCost: { type: 'decimal' },
  PricingQuantity: { type: 'decimal', nullable: true },
  PricingUnit: { type: 'string', nullable: true },
  ProviderName: { type: 'string' },
  PublisherName: { type: 'string' },
  ServiceCategory: {
    type: 'string',
    values: [
      'AI and Machine Learning',
      'Analytics',
      'Business Applications',
      'Compute',
      'Databases',
      'Developer Tools',
      'Multicloud',
      'Identity',
      'Integration',
      'Internet of Things',
      'Management and Governance',
      'Media',
      'Migration',
      'Mobile',
      'Networking',
      'Security',
      'Storage',
      'Web',
      'Other',
    ],
  },
  ServiceName: { type: 'string' },
}

/** A data size or a span of time, as the unit format of FOCUS has them. */
const units = /^(?:[KMGTPE]i?B|B|Years|Months|Days|Hours|Minutes|Seconds)$/
const decimal = /^-?\d+(?:\.\d+)?(?:E[+-]?\d+)?$/
const instantPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** What is wrong with a FOCUS file; empty where nothing is. `row` is 1 for the first charge. */
export function focusFaults(csv: string): string[] {
  const [header = [], ...rows] = readCsv(csv)
  const faults = Object.keys(columns)
    .filter((name) => !header.includes(name))
    .map((name) => `column ${name} is missing`)
  for (const name of header)
    if (!(name in columns) && !/^x_[A-Z][A-Za-z0-9]*$/.test(name))
      faults.push(`column ${name} is neither of FOCUS nor an own one (x_)`)
  for (const [index, cells] of rows.entries()) {
    if (cells.length !== header.length) faults.push(`row ${index + 1}: ${cells.length} fields`)
    const row = Object.fromEntries(header.map((name, at) => [name, cells[at] ?? '']))
    for (const fault of rowFaults(row)) faults.push(`row ${index + 1}: ${fault}`)
  }
  return faults
}

function* rowFaults(row: Record<string, string>): Generator<string> {
  for (const [name, { type, nullable, values }] of Object.entries(columns)) {
    const value = row[name] ?? ''
    if (value === '') {
      if (!nullable) yield `${name} is null`
    } else if (type === 'decimal' && !decimal.test(value)) yield `${name} ${value} is no decimal`
    else if (type === 'instant' && !instantPattern.test(value))
      yield `${name} ${value} is no instant`
    else if (values && !values.includes(value)) yield `${name} ${value} is not a value of FOCUS`
  }
  if (!/^[A-Z]{3}$/.test(row.BillingCurrency ?? '')) yield 'BillingCurrency is no ISO 4217 code'
  if (row.PricingUnit && !units.test(row.PricingUnit)) yield `PricingUnit ${row.PricingUnit}`
  if (row.ChargeCategory === 'Usage' && (!row.PricingQuantity || !row.PricingUnit))
    yield 'a Usage charge has no PricingQuantity or PricingUnit'
  const at = (name: string) => Date.parse(row[name] ?? '')
  if (!(at('ChargePeriodStart') < at('ChargePeriodEnd'))) yield 'the charge period is empty'
  if (!(at('BillingPeriodStart') < at('BillingPeriodEnd'))) yield 'the billing period is empty'
  if (
    at('ChargePeriodStart') < at('BillingPeriodStart') ||
    at('ChargePeriodEnd') > at('BillingPeriodEnd')
  )
    yield 'the charge period is not in the billing period'
}

/** RFC 4180. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n|$)/g,
  )) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
    if (end === '') break
  }
  return rows.filter((cells) => cells.length > 1)
}
