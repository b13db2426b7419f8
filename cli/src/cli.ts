import { readFile } from 'node:fs/promises'
import { ReportRequestError } from '@parley/relay-cost'
import { Command, CommanderError, Help } from 'commander'
import { addAdmin } from './commands/admin.ts'
import { addCompletion, addCompletionAnswers } from './commands/completion.ts'
import { addCost } from './commands/cost/cost.ts'
import { addDoctor } from './commands/doctor.ts'
import { addDrain } from './commands/drain.ts'
import { addInstall } from './commands/install.ts'
import { addInvite } from './commands/invite.ts'
import { addManager } from './commands/manager.ts'
import { addMeter } from './commands/meter.ts'
import { addOperate } from './commands/operate.ts'
import { addPlan } from './commands/plan.ts'
import { addRender } from './commands/render.ts'
import { addStatus } from './commands/status.ts'
import { addUp } from './commands/up.ts'
import { messageOf, UsageError } from './errors.ts'

const examples = `
Examples:
  $ parley up                                           hold a meeting on this machine
  $ parley install | kubectl apply --server-side -f -   install the operator
  $ kubectl apply -f examples/demo.yaml                 ask for a meeting stack
  $ parley status                                       see what runs
  $ parley cost report --cluster meetings/demo          what relaying cost, by room
  $ parley cost what-if --users 100 --relay-share 0.2
  $ parley plan --concurrent 100000 --relay-share 0.15  what a load needs and costs

Parley runs WebRTC meetings on Kubernetes and says what their relayed part costs.
`

const pluginExamples = `
Examples:
  $ kubectl parley status                               see what runs
  $ kubectl parley cost report --cluster meetings/demo  what relaying cost, by room
  $ kubectl parley drain --node worker-3                free a node without ending a call
`

/**
 * Runs `parley` with a process's argv, or `kubectl parley` where PARLEY_COMMAND says so.
 * @returns the exit code: 0 done, 1 the command failed, 2 it was called wrongly
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const isPlugin = process.env.PARLEY_COMMAND === 'kubectl parley'
  const program = isPlugin ? kubectlPlugin() : parley()
  program
    .version(await version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .showHelpAfterError('(run with --help to see what there is)')
    .showSuggestionAfterError()
    .configureHelp({
      optionDescription: (option) =>
        `${new Help().optionDescription(option)}${option.mandatory ? ' (required)' : ''}`,
    })
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(text),
      ...(isPlugin ? { writeOut: (text) => void process.stdout.write(asPlugin(text)) } : {}),
    })
  for (const command of everyCommand(program)) command.exitOverride().copyInheritedSettings(program)

  try {
    await program.parseAsync(argv)
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    console.error(`error: ${messageOf(error)}`)
    return isUsageError(error) ? 2 : 1
  }
}

function parley(): Command {
  const program = new Command('parley')
    .description('WebRTC meetings on Kubernetes, and what their relayed part costs')
    .addHelpText('after', examples)
  program.commandsGroup('Install and run:')
  addUp(program)
  addInstall(program)
  addManager(program)
  addMeter(program)
  program.commandsGroup('See:')
  addStatus(program)
  addDoctor(program)
  addCost(program)
  addPlan(program)
  addRender(program)
  program.commandsGroup('Operate:')
  addInvite(program)
  addAdmin(program)
  addDrain(program)
  addOperate(program)
  program.commandsGroup('Other:')
  addCompletion(program)
  return program
}

/** What is done to a cluster that runs, by the name that kubectl gives it. */
function kubectlPlugin(): Command {
  const program = new Command('kubectl parley')
    .description('look at meeting stacks, what their relayed part costs, and take pods out of use')
    .addHelpText('after', pluginExamples)
  program.commandsGroup('See:')
  addStatus(program)
  addDoctor(program)
  addCost(program)
  program.commandsGroup('Operate:')
  addDrain(program)
  addOperate(program)
  addCompletionAnswers(program)
  return program
}

function asPlugin(help: string): string {
  return help
    .replaceAll('$ parley ', '$ kubectl parley ')
    .replaceAll('&& parley ', '&& kubectl parley ')
}

/** Ours, or that of a report which was asked for in a way that has no answer. */
function isUsageError(error: unknown): boolean {
  return error instanceof UsageError || error instanceof ReportRequestError
}

function everyCommand(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child)])
}

async function version(): Promise<string> {
  if (process.env.PARLEY_VERSION) return process.env.PARLEY_VERSION
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
