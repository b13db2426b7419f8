import { durationSeconds } from '@parley/operator/api'
import { parseShard, type Shard } from '@parley/operator/shard'
import { type Command, InvalidArgumentError } from 'commander'
import { pino } from 'pino'
import { buildOf } from '../build.ts'
import { UsageError } from '../errors.ts'
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
    .option('--metrics-api', 'serve external.metrics.k8s.io, which autoscalers then go by')
    .option('--custom-metrics-api', 'with it, also custom.metrics.k8s.io: the same for each pod')
    .option('--metrics-api-port <port>', 'HTTPS port of these; 0 takes a free one', port, 8443)
    .option(
      '--metrics-api-service <name>',
      'Service in front of it, in the namespace of the lease',
      'parley-operator-metrics-api',
    )
    .option(
      '--metrics-api-owner <name>',
      'ClusterRole that the APIService objects belong to, and are deleted with',
    )
    .option(
      '--shard <i/n>',
      'of n managers, look after the i-th part of all namespaces (0/2)',
      shard,
    )
    .option(
      '--no-remember',
      'keep no ConfigMap of what was as it should be: compare everything after each start',
    )
    .option('--resync <duration>', 'look at everything again this often (default: 10h)', duration)
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
      async (
        options: {
          kubeconfig?: string
          namespace?: string
          metricsPort: number
          healthPort: number
          leaderElect: boolean
          leaseNamespace?: string
          remember: boolean
          resync?: number
          shard?: Shard
        } & MetricsApiFlags,
      ) => {
        const { runManager } = await import('@parley/operator')
        const stop = new AbortController()
        const { metricsApi: _, remember, ...others } = options
        const build = remember ? await buildOf(process.argv[1]) : undefined
        for (const signal of ['SIGTERM', 'SIGINT'] as const)
          process.once(signal, () => stop.abort(signal))
        await runManager({
          ...others,
          ...metricsApiOf(options),
          ...(build === undefined ? {} : { build }),
          ...(options.resync === undefined ? {} : { resyncMs: options.resync }),
          log: pino({ level: process.env.PARLEY_LOG_LEVEL ?? 'info' }),
          signal: stop.signal,
          images: imagesFrom(process.env),
          ...rotationMargin(process.env.PARLEY_ROTATION_MARGIN),
        })
      },
    )
}

interface MetricsApiFlags {
  metricsApi?: boolean
  customMetricsApi?: boolean
  metricsApiPort: number
  metricsApiService: string
  metricsApiOwner?: string
}

/** @throws UsageError */
function metricsApiOf(flags: MetricsApiFlags & { namespace?: string }) {
  const { metricsApiPort: port, metricsApiService: service, metricsApiOwner: owner } = flags
  const { metricsApi, customMetricsApi: custom = false, namespace } = flags
  if (custom && !metricsApi)
    throw new UsageError('--custom-metrics-api adds to --metrics-api: give that too')
  if (!metricsApi) return {}
  if (namespace)
    throw new UsageError('--metrics-api is one for the whole cluster: leave it out, or --namespace')
  return { metricsApi: { port, service, custom, ...(owner ? { owner } : {}) } }
}

function shard(text: string): Shard {
  const parsed = parseShard(text)
  if (!parsed)
    throw new InvalidArgumentError('It must be i/n with i from 0 to n − 1, for example 0/2.')
  return parsed
}

/** In ms. */
function duration(text: string): number {
  let ms = 0
  try {
    ms = durationSeconds(text) * 1000
  } catch {
    // Said below, as for 0s.
  }
  if (ms === 0) throw new InvalidArgumentError('It must be a duration such as 10h or 90s.')
  return ms
}

function rotationMargin(text: string | undefined): { rotationMarginMs?: number } {
  if (!text) return {}
  try {
    return { rotationMarginMs: duration(text) }
  } catch (error) {
    throw new UsageError(`PARLEY_ROTATION_MARGIN: ${(error as Error).message}`)
  }
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError('It must be a port, 0 to 65535.')
  return value
}
