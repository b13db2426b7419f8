import { Argument, type Command } from 'commander'
import { complete, completionScript, type Names, type Shell, shells } from '../completion.ts'

const PATIENCE_MS = 2_000

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('completion for a shell, as a script on standard output')
    .addArgument(new Argument('<shell>', 'your shell').choices([...shells]))
    .addHelpText(
      'after',
      `
Examples:
  $ source <(parley completion bash)                              # in ~/.bashrc
  $ parley completion zsh > "\${fpath[1]}/_parley"
  $ parley completion fish > ~/.config/fish/completions/parley.fish

kubectl parley is completed by kubectl's own completion, where kubectl_complete-parley is on the PATH.
`,
    )
    .action((shell: Shell) => void process.stdout.write(completionScript(shell)))

  addCompletionAnswers(program)
}

/** The hidden command that a shell, or kubectl, asks. */
export function addCompletionAnswers(program: Command): void {
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: string[]) => {
      const { candidates, files } = await complete(program, words, clusterNames())
      for (const { value, description } of candidates)
        console.log(description ? `${value}\t${description}` : value)
      console.log(files ? ':0' : ':4')
    })
}

/** Asks the cluster of the kubeconfig. Where that does not answer soon, nothing is offered. */
function clusterNames(): Names {
  const ask = async (
    resource: 'MEETING_CLUSTERS' | 'PODS' | 'NAMESPACES' | 'NODES',
    show: (metadata: { name: string; namespace?: string }) => string,
    query: { namespace?: string | undefined; labelSelector?: string } = {},
  ): Promise<string[]> => {
    const { withApi } = await import('../cluster.ts')
    const { MEETING_CLUSTERS, NODES, PODS } = await import('@parley/operator/runtime')
    const NAMESPACES = { ...NODES, kind: 'Namespace', plural: 'namespaces' }
    const resources = { MEETING_CLUSTERS, PODS, NAMESPACES, NODES }
    const { namespace, ...rest } = query
    try {
      return await withApi(undefined, async (api) => {
        const signal = AbortSignal.timeout(PATIENCE_MS)
        const { items } = await api.list(resources[resource], namespace, rest, {
          metadataOnly: true,
          signal,
        })
        return (items ?? []).map(({ metadata }) => show(metadata))
      })
    } catch {
      // A shell that completes is no place for an error.
      return []
    }
  }
  return {
    meetingClusters: (namespace) =>
      ask('MEETING_CLUSTERS', (each) => `${each.namespace}/${each.name}`, { namespace }),
    namespaces: () => ask('NAMESPACES', ({ name }) => name),
    nodes: () => ask('NODES', ({ name }) => name),
    mediaPods: (namespace) =>
      ask('PODS', ({ name }) => name, {
        namespace,
        labelSelector:
          'app.kubernetes.io/managed-by=parley,app.kubernetes.io/component in (turn,sfu)',
      }),
  }
}
