import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import {
  CLUSTER_COMPONENTS,
  continuedAsRoot,
  ensurePrograms,
  printProgress,
  status,
} from '@parley/devcluster'
import { Command } from 'commander'
import { requireWritable } from '../json-file.ts'
import { demoCluster, demoNamespace, demoRoom, runDemo, stopDemo } from './demo.ts'
import { forward } from './forward.ts'

const program = new Command('npm run demo --')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .showHelpAfterError('(run with --help to see what there is)')
  .description(
    'A real Kubernetes on this machine, the operator, a meeting stack, a call of three real browsers of which two are relayed, and what that cost. Leaves everything open until Ctrl-C.',
  )
  .option('--once', 'take everything down again after the report')
  .option('--json <file>', 'write the summary to a file')
  .option('--name <name>', 'name of the local cluster', 'demo')
  .option('--seconds <n>', 'how long the call is held', (text) => Number(text), 20)
  .addHelpText(
    'after',
    `
Examples:
  $ npm run demo                                  and look around; Ctrl-C ends it
  $ npm run demo -- --once --json out.json        from nothing to the report and back
  $ npm run devcluster -- down --name demo        take down what a killed demo left
`,
  )
  .parse()
const options = program.opts<{ once?: boolean; json?: string; name: string; seconds: number }>()
if (!(options.seconds >= 1 && options.seconds <= 3600)) {
  console.error('error: --seconds wants a number from 1 to 3600')
  process.exit(2)
}
if (options.json) await requireWritable(options.json)

const onProgress = printProgress(process.stdout)
if (await continuedAsRoot(import.meta.url, CLUSTER_COMPONENTS, onProgress)) process.exit()

const stateHome = process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state')
const kubeconfig = join(stateHome, 'parley', `${options.name}.kubeconfig`)
let stopping: Promise<void> | undefined
const stop = (): Promise<void> => {
  stopping ??= stopDemo(options.name)
  return stopping
}
// Until all is up, an interrupt leaves what is there, so that nothing that was made is lost.
const interrupted = (): void => {
  console.error(`
interrupted; the same command goes on where this one was
npm run devcluster -- down --name ${options.name}   takes down what runs`)
  process.exit(130)
}
process.once('SIGINT', interrupted)
process.once('SIGTERM', () => void stop().finally(() => process.exit(143)))

try {
  await ensurePrograms([{ program: 'chromium', debianPackage: 'chromium' }], onProgress)
  const { summary, stack, call, duringCall, webappUrl } = await runDemo({
    clusterName: options.name,
    kubeconfig,
    mediaSeconds: options.seconds,
  })
  if (options.json) await writeFile(options.json, `${JSON.stringify(summary, null, 2)}\n`)

  const who = call.seats.map(({ guest, participantId }) => `${participantId} is ${guest.name}`)
  const table = await stack.parley([
    'cost',
    'report',
    '--cluster',
    `${demoNamespace}/${demoCluster}`,
    '--by',
    'tenant,room,participant',
  ])
  console.log(`\n${table}\n\n(${who.join(', ')})\n`)
  console.log(`During the call, kubectl get meetingclusters said:\n${duringCall}`)

  if (!options.once) {
    const { hostname, port } = new URL(webappUrl)
    const local = await forward({ host: hostname, port: Number(port || 80) })
    console.log(`
Meet:     ${local.url}/r/${demoRoom}   (${webappUrl} inside)
Look:     export KUBECONFIG=${kubeconfig}
          ${stack.kubectlPath} get mc -A
          npx parley cost report --cluster ${demoNamespace}/${demoCluster}

Ctrl-C takes everything down.`)
    process.off('SIGINT', interrupted)
    await new Promise<void>((resolve) => process.once('SIGINT', () => resolve()))
    await local.close()
    console.log('\ntaking the cluster down')
  }
} catch (error) {
  console.error(`\nerror: ${(error as Error).message}`)
  process.exitCode = 1
  if (!options.once && (await status({ name: options.name })))
    console.error(
      `The cluster is left as it is, to look at: npm run devcluster -- status --name ${options.name}`,
    )
} finally {
  if (options.once || process.exitCode !== 1) await stop()
}
