import { presets } from './presets.ts'
import type { Prices } from './prices.ts'

/** docs/reference/price-presets.md. */
export function presetsMarkdown(): string {
  const lists = Object.values(presets)
  const [first] = lists
  return `# Price presets

Generated from \`relay-cost/src/prices/presets\` by \`npm run generate\`; as of ${first?.asOf}, in USD. List prices,
before discounts and taxes. Where a source says that a figure is approximate, check it against your own bill
or import your vendor's price file (\`parley cost prices import\`).

| preset | meter | GB of | internet, a GB of the month | another zone | another region | node, an hour | IPv4, an hour |
|---|---|---|---|---|---|---|---|
${lists.map(rowOf).join('\n')}

Nodes: reserved 40 % less, spot 70 % less, unless a price file says otherwise.

## Sources

${[...sources(lists)].map(([source, names]) => `- ${names.map((name) => `\`${name}\``).join(', ')}: ${source}`).join('\n')}
`
}

function rowOf(prices: Prices): string {
  const { egress, nodes, gigabyte } = prices
  let from = 0
  const tiers = egress.internet.tiers.map(({ upToGB, perGB }) => {
    const text = `${perGB} from ${from.toLocaleString('en-US')}`
    from = upToGB
    return text
  })
  const cells = [
    `\`${prices.name}\``,
    prices.meter,
    gigabyte === 1e9 ? '10^9' : '2^30',
    tiers.join('; '),
    String(egress.crossZone.perGB),
    String(egress.interRegion.perGB),
    nodes.perHour > 0 ? `${nodes.perHour} (${nodes.type})` : '–',
    nodes.publicIPv4PerHour > 0 ? String(nodes.publicIPv4PerHour) : '–',
  ]
  return `| ${cells.join(' | ')} |`
}

function sources(lists: readonly Prices[]): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const { source, name } of lists) names.set(source, [...(names.get(source) ?? []), name])
  return names
}
