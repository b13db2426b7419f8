import { appendFile } from 'node:fs/promises'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { execa } from 'execa'
import { continuedAsRoot } from './as-root.ts'
import { CLUSTER_COMPONENTS } from './binaries.ts'
import { DEFAULT_NAME, down, loadImage, status, statusOfAll, up } from './cluster.ts'
import { DevclusterError } from './errors.ts'
import { kubectlPath } from './kubectl.ts'
import { startControlPlane } from './local-control-plane.ts'
import { execInNode } from './node.ts'
import { clusterPaths } from './paths.ts'
import { printProgress } from './progress.ts'
import { leftovers } from './teardown.ts'

interface UpFlags {
  name: string
  nodes: number
  kubeconfig?: string
  controlPlaneOnly?: boolean
}

const program = new Command('devcluster')
  .description('A real Kubernetes on this machine, built from source, with no container engine.')
  // kubectl's own flags follow the command's name.
  .enablePositionalOptions()
  .exitOverride()
  .showHelpAfterError('(add --help for what there is)')
  .addHelpText(
    'after',
    `
Examples:
  npm run devcluster -- up --nodes 2          two nodes with DNS, metrics and volumes (root)
  npm run devcluster -- up --control-plane-only --name api
                                              an API server in seconds, no root needed
  npm run devcluster -- kubectl get pods -A   the kubectl of the cluster's version
  npm run devcluster -- load image.tar        an OCI archive into every node
  npm run devcluster -- down                  leaves nothing behind

The first "up" builds Kubernetes, which takes minutes; later ones take seconds.
Logs are in $XDG_STATE_HOME/parley/clusters/NAME/logs (default ~/.local/state).`,
  )

const named = (command: Command) =>
  command.option('--name <name>', 'name of the cluster; two names are two clusters', DEFAULT_NAME)

named(program.command('up'))
  .description('start a cluster, or what is missing of it')
  .option('--nodes <count>', 'number of nodes', parseCount, 1)
  .option('--kubeconfig <file>', 'also write the kubeconfig to this file (mode 0600)')
  .option('--control-plane-only', 'API server, etcd and controllers alone: no root, no pods')
  .action(async (flags: UpFlags) => {
    const onProgress = printProgress(process.stderr)
    const kubeconfig = flags.kubeconfig ? { kubeconfig: flags.kubeconfig } : {}
    if (flags.kubeconfig) await mustBeWritable(flags.kubeconfig)
    if (flags.controlPlaneOnly) {
      const plane = await startControlPlane({
        name: flags.name,
        lifetime: 'detached',
        scheduler: true,
        onProgress,
        ...kubeconfig,
      })
      announce(plane.name, plane.server, plane.kubeconfig)
      return
    }
    if (await continuedAsRoot(import.meta.url, CLUSTER_COMPONENTS, onProgress)) return
    const cluster = await up({ name: flags.name, nodes: flags.nodes, onProgress, ...kubeconfig })
    await cluster.metricsReady
    for (const node of cluster.nodes) {
      process.stderr.write(
        `node ${node.name}: ${node.address}, network namespace ${node.networkNamespace}\n`,
      )
    }
    announce(cluster.name, cluster.server, cluster.kubeconfig)
  })

named(program.command('down'))
  .description('end a cluster and remove all that it left, also after a crash')
  .action(async ({ name }: { name: string }) => {
    const there = await status({ name })
    if (there?.kind !== 'control-plane' && (await continuedAsRoot(import.meta.url, []))) return
    await down({ name })
    const left = await leftovers(name)
    if (left.length > 0) {
      throw new DevclusterError(
        'TIMED_OUT',
        `of cluster "${name}" this is left; run down again:\n${left.join('\n')}`,
      )
    }
    process.stderr.write(`cluster "${name}" is gone\n`)
  })

program
  .command('status')
  .description('what runs: one cluster, or all of them')
  .option('--name <name>', 'name of the cluster')
  .option('-o, --output <format>', 'text or json', 'text')
  .action(async ({ name, output }: { name?: string; output: string }) => {
    const clusters = name ? [await status({ name })] : await statusOfAll()
    const known = clusters.filter((cluster) => cluster !== undefined)
    if (output === 'json') {
      process.stdout.write(`${JSON.stringify(known, null, 2)}\n`)
    } else {
      for (const cluster of known) {
        const nodes = cluster.nodes.map((node) => `${node.name} ${node.address}`).join(', ')
        process.stdout.write(
          `${cluster.name}\t${cluster.state}\t${cluster.server}\t${nodes || 'no nodes'}\t${cluster.kubeconfig}\n`,
        )
        for (const daemon of cluster.processes.filter(({ alive }) => !alive)) {
          process.stdout.write(`  ${daemon.name} does not run\n`)
        }
      }
      if (known.length === 0) process.stdout.write('no cluster runs; start one with "up"\n')
    }
    if (name && known.length === 0) process.exitCode = 1
  })

named(program.command('load <archive...>'))
  .description('import OCI archives (buildah push IMAGE oci-archive:FILE:NAME:TAG) into every node')
  .action(async (archives: string[], { name }: { name: string }) => {
    if (await continuedAsRoot(import.meta.url, [])) return
    await loadImage({ name, archive: archives })
  })

named(program.command('kubectl [args...]'))
  .description("run kubectl of the cluster's own version; --name comes before its arguments")
  .passThroughOptions()
  .allowUnknownOption()
  .action(async (args: string[], { name }: { name: string }) => {
    const { exitCode } = await execa(await kubectlPath(), args, {
      stdio: 'inherit',
      reject: false,
      env: { KUBECONFIG: clusterPaths(name).kubeconfig },
    })
    process.exitCode = exitCode ?? 1
  })

named(program.command('exec <node> <command...>'))
  .description('run a command as a process of a node, for example: exec n1 iptables-save')
  .passThroughOptions()
  .action(async (node: string, command: string[], { name }: { name: string }) => {
    if (await continuedAsRoot(import.meta.url, [])) return
    process.exitCode = await execInNode(clusterPaths(name), node, command)
  })

/** Before a cluster notes it: a path that cannot be written would fail every later `up` as well. */
async function mustBeWritable(file: string): Promise<void> {
  try {
    await appendFile(file, '', { mode: 0o600 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new DevclusterError(
      'USAGE',
      `--kubeconfig ${file} cannot be written (${code}): name a file in a folder of yours`,
    )
  }
}

function announce(name: string, server: string, kubeconfig: string): void {
  process.stderr.write(`cluster "${name}" is ready at ${server}\n`)
  process.stdout.write(`export KUBECONFIG=${kubeconfig}\n`)
}

function parseCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) {
    throw new InvalidArgumentError('It must be a whole number of at least 1.')
  }
  return count
}

process.once('SIGINT', () => {
  process.stderr.write('\ninterrupted; the same command goes on where this one was\n')
  process.exit(130)
})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  if (!(error instanceof DevclusterError)) throw error
  process.stderr.write(`error: ${error.message}\n`)
  process.exitCode = error.code === 'USAGE' ? 2 : 1
}
