import type { Command } from 'commander'
import { addReplay } from './replay.ts'
import { addReport } from './report.ts'
import { addWhatIf } from './what-if.ts'

export function addCost(program: Command): void {
  const cost = program
    .command('cost')
    .description('what relaying cost: reports, recorded streams, scenarios')
  addReport(cost)
  addReplay(cost)
  addWhatIf(cost)
}
