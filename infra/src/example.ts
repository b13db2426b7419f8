import { readFileSync } from 'node:fs'
import { catalogueAsOf } from './config/catalogue.ts'
import { loadConfig } from './config/load.ts'
import { whatIfs } from './cost/cost.ts'
import { assumptionLines, costTable, linesTable, whatIfTable } from './cost/render.ts'
import { architectureSvg } from './picture/architecture.ts'
import { synthesize } from './synth.ts'

/** Users of the price table: a team, a company, a service. */
const loads = [200, 10_000, 1_000_000]
const relayShare = 0.2

/** Pages and pictures of the two-region example, below docs/: they follow the stacks. */
export function exampleFiles(): Record<string, string> {
  const file = new URL('../config/example.yaml', import.meta.url)
  const config = loadConfig(readFileSync(file, 'utf8'), 'infra/config/example.yaml')
  const stacks = synthesize(config)
  const results = loads.map((users) => whatIfs({ config, stacks, users, relayShare }))
  const costs = results.flatMap(([first]) => first?.cost ?? [])
  const [team] = costs
  const block = (text: string) => `\`\`\`\n${text}\n\`\`\`\n`
  return {
    'images/infra.svg': architectureSvg(config, stacks),
    'reference/infra-cost.md': `# What the two-region example costs

Generated from \`infra/config/example.yaml\` by \`npm run generate\`; the same as \`npm run infra:cost -- --lines\`. List
prices of ${catalogueAsOf}, in ${team?.currency}, without taxes and discounts of your own. They are approximate: written down
from memory, scaled from us-east-1 to other regions, and compared with no bill. Look them up before they decide anything.

Meetings of 6 on the SFU, ${relayShare * 100} % of people relayed, all of them in a meeting day and night: a user and hour is
dearer where nodes wait for people. Nodes are as many as \`parley plan\` wants, and no fewer than the pools have.

${block(costTable(costs))}
## What if

${results
  .map(
    (variants, index) =>
      `${loads[index]?.toLocaleString('en-US')} users:\n\n${block(whatIfTable(variants))}`,
  )
  .join('\n')}
Nearly all of it is egress, so the size of streams and the region decide, and not how nodes are bought. The CDN is about
the page alone, which is small: it is there for speed.

${costs.flatMap(({ notes }) => notes.map((note) => `- ${note}`)).join('\n')}

## Every line, for 200 users

${block(team ? linesTable(team) : '')}
## Taken for granted

${assumptionLines()
  .map((line) => `- ${line}`)
  .join('\n')}
`,
  }
}
