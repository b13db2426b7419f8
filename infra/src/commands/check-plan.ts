import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { InfraError } from '../errors.ts'
import { dataLossOf } from '../policy/destroy-guard.ts'

export function addCheckPlan(program: Command): void {
  program
    .command('check-plan')
    .description('refuse a plan that deletes data')
    .argument('<files...>', 'what "terraform show -json" prints of plans')
    .option('--allow-data-loss', 'say what is deleted, and allow it', false)
    .action(async (files: string[], { allowDataLoss }: { allowDataLoss: boolean }) => {
      const lost: string[] = []
      for (const file of files) {
        lost.push(...lossesOf(await readFile(file, 'utf8'), file))
      }
      if (lost.length === 0) return console.log('No data is deleted.')
      if (!allowDataLoss)
        throw new InfraError(
          'DATA_LOSS',
          `${lost.join('\n')}\nthese hold data, and the plan deletes them: apply nothing; where that is what you want, run it with --allow-data-loss`,
        )
      console.log(`Data is deleted, as allowed:\n${lost.join('\n')}`)
    })
}

/** What a file's plan deletes; whatever is wrong with the file is said with its name. */
function lossesOf(text: string, file: string): string[] {
  try {
    return dataLossOf(JSON.parse(text)).map((address) => `${file}: ${address}`)
  } catch (error) {
    const message =
      error instanceof SyntaxError
        ? 'not JSON: give what "terraform show -json plan" prints'
        : (error as Error).message
    throw new InfraError('DATA_LOSS', `${file}: ${message}`)
  }
}
