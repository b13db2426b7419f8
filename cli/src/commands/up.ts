import { isIPv4 } from 'node:net'
import { type MeetingCluster, parseMeetingCluster } from '@parley/operator/api'
import { relayCostReportSchema } from '@parley/protocol'
import { renderReport } from '@parley/relay-cost'
import { type Command, InvalidArgumentError } from 'commander'
import { colours } from '../colours.ts'
import { UsageError } from '../errors.ts'
import { meetingClusters } from '../meeting-clusters.ts'
import { interrupts } from '../up/interrupts.ts'
import type { Up } from '../up/up.ts'

export function addUp(program: Command): void {
  program
    .command('up')
    .description('hold meetings on this machine: one MeetingCluster as processes, no Kubernetes')
    .option(
      '-f, --file <file>',
      'the MeetingCluster (default: one with the defaults); - reads standard input',
    )
    .option('--port <port>', 'of the web page; 0 takes a free one', port, 8080)
    .option(
      '--host <address>',
      'address of this machine that the web page is at; 0.0.0.0 is all',
      address,
      '127.0.0.1',
    )
    .option(
      '--tls',
      'https with a certificate made for this run, so that others may use their cameras',
    )
    .option('--turn-port <port>', 'of coturn (default: that of the spec, or a free one)', port)
    .option('--dev', 'the web page from its sources, with hot reload')
    .option('--verbose', 'print what the processes say')
    .addHelpText(
      'after',
      `
Starts what is installed of coturn, LiveKit and Redis, and meets without the rest. Ctrl-C ends it all, prints what was
relayed, and leaves nothing behind.

Examples:
  $ parley up
  $ parley up --host 0.0.0.0 --tls            for others in the same network
  $ parley up -f examples/demo.yaml --port 9000
  $ parley up --dev                           to work on the web page
`,
    )
    .action(run)
}

type Options = {
  file?: string
  port: number
  host: string
  tls?: true
  turnPort?: number
  dev?: true
  verbose?: true
}

async function run(options: Options): Promise<void> {
  const mc = options.file === undefined ? defaultCluster() : await only(options.file)
  const { isLoopback, startUp } = await import('../up/up.ts')
  const say = (line: string) => console.error(line)

  const stop = new AbortController()
  let up: Up | undefined
  const onSignal = interrupts(
    () => stop.abort(new Error('interrupted before it was ready')),
    () => process.exit(130),
    () => performance.now(),
  )
  for (const signal of signals) process.on(signal, onSignal)
  try {
    up = await startUp({
      mc,
      port: options.port,
      host: options.host,
      tls: options.tls ?? false,
      dev: options.dev ?? false,
      ...(options.turnPort !== undefined && { turnPort: options.turnPort }),
      ...(options.verbose && { onLine: (name, line) => say(colours.dim(`${name}  ${line}`)) }),
      say,
      stop: stop.signal,
    })
    if (!options.tls && !isLoopback(options.host))
      say(
        '  ! Browsers give cameras to https and localhost only: with --tls others can use theirs.',
      )
    // Whoever runs it by npx has no `parley` in the path.
    const parley = process.env.npm_command === 'exec' ? 'npx parley' : 'parley'
    if (up.store)
      say(`  What is relayed: ${parley} cost report --store ${up.store} --by room,participant`)
    say(`  Meetings as they are: ${parley} admin --key-file ${up.keyFile} --url ${up.url}`)
    say(`Ready in ${(up.readyMs / 1000).toFixed(1)} s. Ctrl-C ends it.`)
    console.log(up.url)
    await Promise.race([up.failed, aborted(stop.signal)])
    say('\nEnding…')
    printReport(await up.report())
  } finally {
    await up?.close()
    for (const signal of signals) process.off(signal, onSignal)
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What somebody gets who writes only what has to be written. */
function defaultCluster(): MeetingCluster {
  return parseMeetingCluster({
    apiVersion: 'parley.dev/v1alpha1',
    kind: 'MeetingCluster',
    metadata: { name: 'local', namespace: 'meetings' },
    spec: { domain: 'localhost', region: 'eu-central-1' },
  })
}

/** @throws UsageError where the file has none or several */
async function only(file: string): Promise<MeetingCluster> {
  const [mc, ...others] = await meetingClusters(file)
  if (!mc || others.length > 0)
    throw new UsageError(`${file} has ${others.length + 1} MeetingClusters: give a file with one`)
  return mc
}

function printReport(answer: unknown): void {
  if (answer === undefined) return
  const report = relayCostReportSchema.parse(answer)
  if (report.totals.allocations === 0) {
    console.log('Nothing was relayed.')
    return
  }
  const width = process.stdout.columns ?? 100
  process.stdout.write(renderReport(report, 'table', { width, colour: colours }))
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Media listens at it, too, and coturn and LiveKit are told it as it stands. */
function address(text: string): string {
  if (isIPv4(text) || ['localhost', '::1', '::'].includes(text)) return text
  throw new InvalidArgumentError(
    'It must be an IPv4 address of this machine, 0.0.0.0 or localhost.',
  )
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError('It must be a port, 0 to 65535.')
  return value
}
