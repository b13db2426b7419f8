import { wrap } from '../format.ts'
import type { Colour } from '../render/table.ts'
import type { Plan } from './plan.ts'

/** A plan with its arithmetic, step by step, or as JSON. Nothing is wider than 80 columns. */
export function renderPlan(
  plan: Plan,
  format: 'table' | 'json',
  colour: Pick<Colour, 'bold' | 'dim'> = { bold: (text) => text, dim: (text) => text },
): string {
  if (format === 'json') return `${JSON.stringify(plan, null, 2)}\n`
  const { cost, steps, figures } = plan
  const width = 80
  const whatWidth = Math.max(...steps.map(({ what }) => what.length))
  const resultWidth = Math.max(...steps.map(({ result }) => result.length))
  const room = width - whatWidth - resultWidth - 4
  const lines = steps.flatMap(({ what, arithmetic, result }) => {
    const [first = '', ...more] = wrap(arithmetic, room)
    return [
      `${what.padEnd(whatWidth)}  ${colour.dim(first.padEnd(room))}  ${result.padStart(resultWidth)}`,
      ...more.map((text) => `${' '.repeat(whatWidth)}  ${colour.dim(text)}`),
    ]
  })
  return [
    colour.bold(`${count(plan.concurrent)} users in meetings of ${plan.roomSize}`),
    '',
    ...lines,
    '',
    ...(plan.regions.length > 1 ? regionLines(plan) : []),
    ...wrap(
      `${count(plan.turn.pods)} TURN, ${count(plan.sfu.pods)} SFU and ${count(plan.signaling.pods)} signaling pods on ${count(plan.nodes)} nodes: ${count(cost.perMonth)} ${cost.currency} a month`,
      width,
    ).map(colour.bold),
    '',
    'Figures it is made from (* measured by us):',
    ...figures.flatMap(({ name, value, unit, measured, source, asOf }) => [
      `${measured ? '*' : ' '} ${name}: ${value.toLocaleString('en-US')} ${unit}`,
      ...wrap(`${source} (${asOf})`, width - 4).map((text) => `    ${colour.dim(text)}`),
    ]),
    '',
    ...wrap(
      'Left out: Redis, the meter’s store, load balancers, disks, taxes, discounts, traffic between zones and regions.',
      width,
    ).map(colour.dim),
    '',
  ].join('\n')
}

function regionLines({ regions, cost }: Plan): string[] {
  const alike = new Map<
    string,
    { clusters: number; users: number; nodes: number; perMonth: number }
  >()
  for (const { prices, users, nodes, perMonth } of regions) {
    const known = alike.get(prices)
    alike.set(prices, { users, nodes, perMonth, clusters: (known?.clusters ?? 0) + 1 })
  }
  return [
    ...[...alike].map(
      ([name, { clusters, users, nodes, perMonth }]) =>
        `${clusters > 1 ? `${clusters} × ` : ''}${name}: ${count(users)} users, ${count(nodes)} nodes, ${count(perMonth)} ${cost.currency} a month`,
    ),
    '',
  ]
}

function count(amount: number): string {
  return Math.round(amount).toLocaleString('en-US')
}
