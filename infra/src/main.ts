/** `npm run infra -- COMMAND`: regions on AWS, as Terraform reads them, and what they cost. */
import { Command, CommanderError } from 'commander'
import { addCheckPlan } from './commands/check-plan.ts'
import { addCheckov } from './commands/checkov.ts'
import { addCost } from './commands/cost.ts'
import { addHandOver } from './commands/hand-over.ts'
import { addNodeProfile } from './commands/node-profile.ts'
import { addSynth } from './commands/synth.ts'
import { InfraError } from './errors.ts'

const program = new Command('npm run infra --')
  .description('Regions on AWS for Parley: stacks for Terraform or OpenTofu, and what they cost.')
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
addSynth(program)
addCost(program)
addHandOver(program)
addCheckPlan(program)
addCheckov(program)
addNodeProfile(program)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    console.error(`error: ${messageOf(error)}`)
    process.exitCode = 1
  }
}

function messageOf(error: unknown): string {
  const { code, path, message } = error as NodeJS.ErrnoException
  if (error instanceof InfraError) return message.replaceAll('\n', '\nerror: ')
  return code === 'ENOENT' && path ? `there is no file ${path}` : message
}
