/** A stack as Prometheus sees it: its ServiceMonitors, its rules, and the boards that ask. */
import { setTimeout as delay } from 'node:timers/promises'
import { askMeter, withApi } from '@parley/cli'
import { boards, grafanaJson, ruleFiles } from '@parley/dashboards'
import { status } from '@parley/devcluster'
import { type MeetingCluster, parseMeetingCluster } from '@parley/operator/api'
import {
  defaultRenderInputs,
  type KubernetesObject,
  type PrometheusRule,
  renderMonitoring,
} from '@parley/operator/render'
import type { Stack } from '../stack.ts'
import { ClusterMetrics } from './cluster-metrics.ts'
import { Prometheus } from './prometheus.ts'
import {
  filledIn,
  type GrafanaBoard,
  pathsOf,
  type Question,
  questionsOf,
  questionsOfRules,
  type RuleGroup,
} from './questions.ts'
import { targetsOf } from './targets.ts'

/** As the install makes it where `serviceMonitor.enabled` is set. */
const operatorMonitor = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'ServiceMonitor',
  metadata: { name: 'parley-operator', namespace: 'parley-system' },
  spec: {
    selector: { matchLabels: { 'app.kubernetes.io/component': 'operator' } },
    endpoints: [{ port: 'metrics', honorLabels: true }],
  },
}

type Options = {
  stack: Stack
  clusterName: string
  namespace: string
  name: string
  /** Where Prometheus has its files. */
  folder: string
}

export class Watch {
  readonly #options: Options
  readonly #prometheus: Prometheus
  readonly #clusterMetrics: ClusterMetrics
  readonly #since = Date.now()
  readonly #boards: readonly GrafanaBoard[]
  readonly #rules: readonly RuleGroup[]

  private constructor(
    options: Options,
    prometheus: Prometheus,
    clusterMetrics: ClusterMetrics,
    boards: readonly GrafanaBoard[],
    rules: readonly RuleGroup[],
  ) {
    this.#options = options
    this.#prometheus = prometheus
    this.#clusterMetrics = clusterMetrics
    this.#boards = boards
    this.#rules = rules
  }

  /** From now on every pod of the stack, the operator and the cluster's own metrics are scraped, and every rule evaluated. */
  static async start(options: Options): Promise<Watch> {
    const { stack, clusterName, namespace, name, folder } = options
    const cluster = await status({ name: clusterName })
    const node = cluster?.nodes[0]
    if (!node) throw new Error('the cluster has no node')
    const mc = parseMeetingCluster(await stack.meetingCluster(namespace, name))
    const monitoring = monitoringOf(mc)
    const of = (kind: string) => monitoring.filter((each) => each.kind === kind)
    const rules = [
      ...Object.values(ruleFiles()).flat(),
      ...(of('PrometheusRule') as PrometheusRule[]).flatMap(({ spec }) => spec.groups),
    ] as RuleGroup[]
    const own = of('ConfigMap').flatMap((each) =>
      Object.values((each as { data?: Record<string, string> }).data ?? {}),
    )
    const clusterMetrics = await ClusterMetrics.start(cluster, folder)
    const pods = await targetsOf(stack, [...of('ServiceMonitor'), operatorMonitor])
    const prometheus = await Prometheus.start({
      ...{ folder, node },
      targets: [...pods, ...clusterMetrics.targets],
      // In the demo's minute, each often.
      rules: JSON.stringify({ groups: rules.map(({ interval: _, ...group }) => group) }),
    }).catch(async (error) => {
      await clusterMetrics.stop()
      throw error
    })
    return new Watch(
      options,
      prometheus,
      clusterMetrics,
      [
        ...boards.map((board) => JSON.parse(JSON.stringify(grafanaJson(board)))),
        ...own.map((text) => JSON.parse(text)),
      ],
      rules,
    )
  }

  /**
   * What has returned nothing since the beginning, when all has returned something or the time is over.
   *
   * @param options.except series that are not to be expected
   */
  async unanswered(options: {
    withinMs: number
    except: readonly { series: RegExp }[]
  }): Promise<Question[]> {
    const deadline = Date.now() + options.withinMs
    let open = (await this.#questions()).filter(
      ({ query }) => !options.except.some(({ series }) => series.test(query)),
    )
    for (;;) {
      open = await this.#without(open)
      if (open.length === 0 || Date.now() > deadline) return open
      await delay(1000)
    }
  }

  /** Panels that ask the meter, and for which it has no rows. */
  async withoutRows(): Promise<Question[]> {
    const { stack, namespace, name } = this.#options
    const asked = this.#boards.flatMap((board) => pathsOf(board, this.#ends(board)))
    return withApi(stack.kubeconfig, async (api) => {
      const empty: Question[] = []
      for (const question of asked) {
        const { rows } = await askMeter<{ rows: object[] }>(
          api,
          { namespace, name },
          question.query,
        )
        if (rows.length === 0) empty.push(question)
      }
      return empty
    })
  }

  /** The ends of the picture, and "All" of the variables that the meter has the values of. */
  #ends({ templating }: GrafanaBoard): Record<string, string> {
    const all = (templating?.list ?? []).flatMap(({ name, allValue }) =>
      allValue === undefined ? [] : [[`${name}:csv`, allValue] as const],
    )
    return {
      ...Object.fromEntries(all),
      '__from:date:iso': new Date(this.#since - 6 * 3_600_000).toISOString(),
      '__to:date:iso': new Date().toISOString(),
    }
  }

  /** Pods that do not answer Prometheus, and rules that it cannot evaluate. */
  async complaints(): Promise<string[]> {
    const failing = (await this.#prometheus.rules()).filter(({ lastError }) => lastError)
    return [
      ...(await this.#prometheus.unreachable()),
      ...failing.map(({ name, lastError }) => `${name}: ${lastError}`),
    ]
  }

  async stop(): Promise<void> {
    await this.#prometheus.stop()
    await this.#clusterMetrics.stop()
  }

  /** All that is asked, with "All" chosen everywhere: of each variable, every value that there is. */
  async #questions(): Promise<Question[]> {
    const asked = await Promise.all(
      this.#boards.map(async (board) => questionsOf(board, await this.#chosen(board))),
    )
    return [...asked.flat(), ...questionsOfRules(this.#rules)]
  }

  /** Those of the questions that have no answer yet. */
  async #without(questions: readonly Question[]): Promise<Question[]> {
    const span = { from: this.#since, to: Date.now() }
    const answers = await Promise.all(
      questions.map(({ query }) => this.#prometheus.seriesIn(query, span)),
    )
    return questions.filter((_, index) => answers[index] === 0)
  }

  /** Variables in their order: each may go by those before it. */
  async #chosen({ title, templating }: GrafanaBoard): Promise<Record<string, string>> {
    const chosen: Record<string, string> = {}
    for (const { type, name, query } of templating?.list ?? []) {
      const [, series = '', label = ''] =
        (type === 'query' && /^label_values\((.+), (\w+)\)$/.exec(String(query))) || []
      if (!series) continue
      const values = await this.#prometheus.labelValues(label, filledIn(series, chosen))
      if (values.length === 0) throw new Error(`${title}: the variable ${name} has no value`)
      chosen[name] = `(${values.join('|')})`
    }
    return chosen
  }
}

function monitoringOf(mc: MeetingCluster): KubernetesObject[] {
  const { capabilities, ...inputs } = defaultRenderInputs()
  return renderMonitoring(mc, {
    ...inputs,
    capabilities: { ...capabilities, serviceMonitor: true, prometheusRules: true },
  })
}
