import type { MeetingCluster } from '@parley/operator/api'
import { type Command, Option } from 'commander'
import { colours } from '../colours.ts'
import { alignColumns } from '../table.ts'

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('what runs: all MeetingClusters, or one in detail')
    .argument('[name]', 'a MeetingCluster')
    .option('-n, --namespace <ns>', 'only in this namespace (default: all)')
    .option('--kubeconfig <file>', 'kubeconfig (default: $KUBECONFIG)')
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ parley status
  $ parley status demo --namespace meetings
`,
    )
    .action(async (name: string | undefined, options: StatusOptions) => {
      const json = options.output === 'json'
      const { listMeetingClusters, notInstalled, withApi } = await import('../cluster.ts')
      const { namespace } = options
      const found = await withApi(options.kubeconfig, (api) => listMeetingClusters(api, namespace))
      if (!found) throw new Error(`${notInstalled.what}: ${notInstalled.fix}`)
      const all = found.map(statusOf)
      if (name !== undefined) {
        const one = theOneCalled(name, all)
        console.log(json ? JSON.stringify(one, null, 2) : detail(one))
      } else if (json) console.log(JSON.stringify(all, null, 2))
      else if (all.length > 0) console.log(overview(all))
      else
        console.log(
          namespace
            ? `no MeetingCluster in namespace ${namespace}; without --namespace all are listed`
            : 'no MeetingCluster yet; start from one with kubectl apply -f examples/demo.yaml',
        )
    })
}

/** @throws Error that names those there are, or the namespaces where there is one of the name */
export function theOneCalled(name: string, all: readonly ClusterStatus[]): ClusterStatus {
  const [one, ...others] = all.filter((status) => status.name === name)
  if (one === undefined) {
    const names = all.map((other) => `${other.namespace}/${other.name}`)
    throw new Error(
      `there is no MeetingCluster ${name} here; ${names.length > 0 ? `there is ${names.join(', ')}` : 'there is none at all'}`,
    )
  }
  if (others.length > 0)
    throw new Error(
      `there is a ${name} in ${[one, ...others].map(({ namespace }) => namespace).join(', ')}; say which with --namespace`,
    )
  return one
}

type StatusOptions = {
  namespace?: string
  kubeconfig?: string
  output: 'table' | 'json'
}

export type ClusterStatus = {
  namespace: string
  name: string
  region: string
  ready: boolean
  conditions: NonNullable<NonNullable<MeetingCluster['status']>['conditions']>
  components: NonNullable<NonNullable<MeetingCluster['status']>['components']>
  endpoints: NonNullable<NonNullable<MeetingCluster['status']>['endpoints']>
  relay: NonNullable<MeetingCluster['status']>['relay'] | null
}

/** What `parley status -o json` prints of one MeetingCluster. */
export function statusOf({ metadata, spec, status }: MeetingCluster): ClusterStatus {
  const conditions = status?.conditions ?? []
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    region: spec.region,
    ready: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    conditions,
    components: status?.components ?? {},
    endpoints: status?.endpoints ?? {},
    relay: status?.relay ?? null,
  }
}

/** As the operator has said: until then it goes on. */
export function isPaused(conditions: ClusterStatus['conditions']): boolean {
  return conditions.some(({ type, reason }) => type === 'Reconciling' && reason === 'Paused')
}

function overview(all: readonly ClusterStatus[]): string {
  return alignColumns(
    ['NAMESPACE', 'NAME', 'READY', 'REGION', 'USERS ON RELAY', 'COST/H', 'MONTH TO DATE'],
    all.map(({ namespace, name, ready, region, relay }) => [
      namespace,
      name,
      mark(ready),
      region,
      relay ? String(relay.users) : '–',
      relay ? money(relay.costPerHour, relay.currency) : '–',
      relay ? money(relay.monthToDate, relay.currency) : '–',
    ]),
  )
}

function detail(status: ClusterStatus): string {
  const { bold, dim } = colours
  const ready = status.conditions.find(({ type }) => type === 'Ready')
  const turn = status.endpoints.turn ?? []
  const lines = [
    `${bold(`${status.namespace}/${status.name}`)}  ${mark(status.ready)}  ${ready?.message ?? 'the operator has not looked at it yet; see parley doctor'}`,
    '',
    alignColumns(
      ['COMPONENT', 'READY', ''],
      Object.entries(status.components).map(([component, { desired, ready, message }]) => [
        component,
        `${ready}/${desired}`,
        message ?? '',
      ]),
    ),
    '',
    `meet   ${status.endpoints.web ?? dim('no address yet')}`,
    `turn   ${turn.length > 0 ? turn.join('\n       ') : dim('no address yet')}`,
  ]
  if (status.relay) {
    const { allocations, users, costPerHour, monthToDate, currency } = status.relay
    lines.push(
      `relay  ${users} users on ${allocations} allocations, ${money(costPerHour, currency)} an hour, ${money(monthToDate, currency)} this month`,
    )
  }
  if (isPaused(status.conditions))
    lines.push(`paused nothing is changed until parley resume ${status.name}`)
  const wrong = status.conditions.filter(
    ({ type, status }) =>
      type !== 'Ready' &&
      (type === 'Stalled' ? status === 'True' : status !== 'True' && type !== 'Reconciling'),
  )
  for (const { type, reason, message } of wrong) lines.push(`${type}: ${reason}: ${message}`)
  return lines.join('\n')
}

function money(amount: string, currency = ''): string {
  return `${amount} ${currency}`.trimEnd()
}

function mark(ready: boolean): string {
  return ready ? colours.green('ready') : colours.yellow('not ready')
}
