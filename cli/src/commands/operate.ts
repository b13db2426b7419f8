import type { ApiClient } from '@parley/operator/runtime'
import type { Command } from 'commander'
import { statusOf, theOneCalled } from './status.ts'

const PAUSED = 'parley.dev/paused'
const ROTATE = 'parley.dev/rotate'

/** What people tell the operator about one MeetingCluster by an annotation. */
export function addOperate(program: Command): void {
  annotating(program, 'pause', 'change nothing of a MeetingCluster for now')
    .addHelpText(
      'after',
      more('Calls go on. What is changed by hand stays until it is resumed.', 'pause demo'),
    )
    .action((name: string, options: Options) =>
      annotate(name, options, { [PAUSED]: 'true' }, (what) => `${what} is paused`),
    )
  annotating(program, 'resume', 'look after a paused MeetingCluster again')
    .addHelpText('after', more('What was changed by hand meanwhile is set right.', 'resume demo'))
    .action((name: string, options: Options) =>
      annotate(name, options, { [PAUSED]: null }, (what) => `${what} is looked after again`),
    )
  annotating(program, 'rotate', 'make new secrets now, ending no call')
    .addHelpText(
      'after',
      more(
        'New ones are accepted first, then used, and the old ones go when what was made with them has expired.',
        'rotate demo --namespace meetings',
      ),
    )
    .action((name: string, options: Options) =>
      annotate(
        name,
        options,
        { [ROTATE]: new Date().toISOString() },
        (what) =>
          `${what}: rotation asked for; kubectl get events -n ${what.split('/')[0]} tells of each step`,
      ),
    )
}

interface Options {
  namespace?: string
  kubeconfig?: string
}

function annotating(program: Command, verb: string, description: string): Command {
  return program
    .command(verb)
    .description(description)
    .argument('<name>', 'a MeetingCluster')
    .option('-n, --namespace <ns>', 'its namespace (default: wherever it is)')
    .option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG)')
}

function more(text: string, example: string): string {
  return `\n${text}\n\nExample:\n  $ parley ${example}\n`
}

async function annotate(
  name: string,
  { namespace, kubeconfig }: Options,
  annotations: Record<string, string | null>,
  done: (what: string) => string,
): Promise<void> {
  const { listMeetingClusters, notInstalled, withApi } = await import('../cluster.ts')
  const { MEETING_CLUSTERS } = await import('@parley/operator/runtime')
  await withApi(kubeconfig, async (api: ApiClient) => {
    const found = await listMeetingClusters(api, namespace)
    if (!found) throw new Error(`${notInstalled.what}: ${notInstalled.fix}`)
    const one = theOneCalled(name, found.map(statusOf))
    await api.mergePatch(MEETING_CLUSTERS, one.namespace, one.name, { metadata: { annotations } })
    console.log(done(`${one.namespace}/${one.name}`))
  })
}
