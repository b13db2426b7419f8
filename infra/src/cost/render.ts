import { assumptions, type InfraCost, MOST_PER_USER_HOUR } from './cost.ts'

type Cells = readonly string[]

/** Loads side by side: what each component costs a month, and what a user and hour comes to. */
export function costTable(costs: readonly InfraCost[]): string {
  const [first] = costs
  if (!first) return ''
  const components = [...new Set(costs.flatMap(({ lines }) => lines.map((line) => line.component)))]
  const head = ['a month', ...costs.map(({ users }) => `${whole(users)} users`)]
  const rows: Cells[] = [
    ...components.map((component) => [
      component,
      ...costs.map((cost) => whole(ofComponent(cost, component))),
    ]),
    [`in all, ${first.currency}`, ...costs.map(({ perMonth }) => whole(perMonth))],
    ['a user and hour', ...costs.map(({ perUserHour }) => perUserHour.toFixed(4))],
    [
      `below ${MOST_PER_USER_HOUR.toFixed(2)} (S3)`,
      ...costs.map(({ meetsS3 }) => (meetsS3 ? 'yes' : 'NO')),
    ],
    ['', ...costs.map(() => '')],
    ['SFU nodes', ...costs.map(({ nodes }) => whole(nodes.sfu))],
    ['TURN nodes', ...costs.map(({ nodes }) => whole(nodes.turn))],
    ['other nodes', ...costs.map(({ nodes }) => whole(nodes.system + nodes.web))],
    ['clusters a region', ...costs.map(({ clustersPerRegion }) => whole(clustersPerRegion))],
  ]
  return columns(head, rows)
}

export function whatIfTable(variants: readonly { name: string; cost: InfraCost }[]): string {
  const before = variants[0]?.cost.perMonth ?? 0
  const rows = variants.map(({ name, cost }) => [
    name,
    whole(cost.perMonth),
    cost.perUserHour.toFixed(4),
    `${cost.perMonth >= before ? '+' : '−'}${whole(Math.abs(cost.perMonth - before))}`,
  ])
  return columns(['what if', 'a month', 'a user and hour', 'difference'], rows)
}

/** Every line of a bill, in the order of its components. */
export function linesTable({ lines }: InfraCost): string {
  const rows = lines.map(({ region, component, what, quantity, unit, perMonth }) => [
    region,
    component,
    what,
    `${Number(quantity.toPrecision(6)).toLocaleString('en-US')} ${unit}`,
    perMonth.toLocaleString('en-US', { maximumFractionDigits: 4 }),
    (quantity * perMonth).toLocaleString('en-US', {
      maximumFractionDigits: 2,
      minimumFractionDigits: 2,
    }),
  ])
  return columns(['region', 'component', 'what', 'quantity', 'each', 'a month'], rows, 3)
}

export function assumptionLines(): string[] {
  return Object.entries(assumptions).map(
    ([name, { value, unit, why }]) => `${name}: ${value.toLocaleString('en-US')} ${unit} (${why})`,
  )
}

export function ofComponent({ lines }: InfraCost, component: string): number {
  return lines
    .filter((line) => line.component === component)
    .reduce((all, { quantity, perMonth }) => all + quantity * perMonth, 0)
}

/** @param left columns whose cells begin at the left; the others end at the right */
function columns(head: Cells, rows: readonly Cells[], left = 1): string {
  const widths = head.map((title, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  )
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, index) =>
          index < left ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const whole = (amount: number) => Math.round(amount).toLocaleString('en-US')
