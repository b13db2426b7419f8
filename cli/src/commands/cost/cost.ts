import type { Command } from 'commander'
import { addPrices } from './prices.ts'
import { addReplay } from './replay.ts'
import { addReport } from './report.ts'
import { addWhatIf } from './what-if.ts'

export function addCost(program: Command): void {
  const cost = program
    .command('cost')
    .description('what relaying cost: reports, recorded streams, scenarios, prices')
  addReport(cost)
  addReplay(cost)
  addWhatIf(cost)
  addPrices(cost)
}
