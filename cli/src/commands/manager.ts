import { durationSeconds } from '@parley/operator/api'
import { type Command, InvalidArgumentError } from 'commander'
import { pino } from 'pino'
import { imagesFrom } from '../images.ts'

export function addManager(program: Command): void {
  program
    .command('manager')
    .description('run the operator: in a cluster, or outside it with --kubeconfig')
    .option('--kubeconfig <file>', 'API server to work on (default: the Pod’s, or $KUBECONFIG)')
    .option('--namespace <ns>', 'watch only this namespace (default: all)')
    .option('--metrics-port <port>', 'Prometheus metrics; 0 takes a free port', port, 8080)
    .option('--health-port <port>', '/healthz and /readyz; 0 takes a free port', port, 8081)
    .option('--no-leader-elect', 'do not elect a leader: only where there is one manager')
    .option('--lease-namespace <ns>', 'where the leader lease lives (default: the Pod’s own)')
    .option('--resync <duration>', 'look at everything again this often', duration, 36_000)
    .addHelpText(
      'after',
      `
Example:
  $ parley manager --kubeconfig ~/.kube/config --namespace meetings --metrics-port 0

Reads PARLEY_IMAGE_REGISTRY and PARLEY_IMAGE_TAG, the images of stacks that name none,
PARLEY_LOG_LEVEL (info), and PARLEY_ROTATION_MARGIN (5m): how long a step of a secret rotation waits so
that every pod has seen the one before.
`,
    )
    .action(
      async (options: {
        kubeconfig?: string
        namespace?: string
        metricsPort: number
        healthPort: number
        leaderElect: boolean
        leaseNamespace?: string
        resync: number
      }) => {
        const { runManager } = await import('@parley/operator')
        const stop = new AbortController()
        for (const signal of ['SIGTERM', 'SIGINT'] as const)
          process.once(signal, () => stop.abort(signal))
        await runManager({
          ...options,
          resyncMs: options.resync * 1000,
          log: pino({ level: process.env.PARLEY_LOG_LEVEL ?? 'info' }),
          signal: stop.signal,
          images: imagesFrom(process.env),
          ...rotationMargin(process.env.PARLEY_ROTATION_MARGIN),
        })
      },
    )
}

/** In seconds. */
function duration(text: string): number {
  if (!/^([0-9]+(h|m|s))+$/.test(text))
    throw new InvalidArgumentError('It must be a duration such as 10h or 90s.')
  return durationSeconds(text)
}

function rotationMargin(text: string | undefined): { rotationMarginMs?: number } {
  if (!text) return {}
  try {
    return { rotationMarginMs: durationSeconds(text) * 1000 }
  } catch (error) {
    throw new InvalidArgumentError(`PARLEY_ROTATION_MARGIN: ${(error as Error).message}`)
  }
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError('It must be a port, 0 to 65535.')
  return value
}
