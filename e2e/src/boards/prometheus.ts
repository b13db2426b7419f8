/** A real Prometheus, in the network of a node: there it reaches every pod, as one that runs in the cluster does. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findProgram } from '@parley/devcluster'
import { execa } from 'execa'

/** What Prometheus is told of one pod, or of what else there is to ask. */
export type Target = {
  /** `ip:port` */
  address: string
  path: string
  labels: Record<string, string>
  /** Labels that it has itself stay as they are. */
  honorLabels: boolean
  /** Files of a client of HTTPS; left out: plain HTTP. */
  tls?: { ca_file: string; cert_file: string; key_file: string }
}

export type RuleState = { name: string; health: string; lastError?: string }

/** Seconds between scrapes, and between evaluations of rules. */
const everySeconds = 4
const port = 19_090

export class Prometheus {
  readonly #process: ReturnType<typeof run>
  readonly #url: string

  private constructor(process: ReturnType<typeof run>, url: string) {
    this.#process = process
    this.#url = url
  }

  /**
   * Resolves when it answers.
   *
   * @param options.rules the text of a rule file
   * @throws with what it wrote, when it ends before
   */
  static async start(options: {
    folder: string
    node: { address: string; networkNamespace: string }
    targets: readonly Target[]
    rules: string
  }): Promise<Prometheus> {
    const { folder, node, targets, rules } = options
    await mkdir(folder, { recursive: true })
    const file = async (name: string, text: string) => {
      await writeFile(join(folder, name), text)
      return join(folder, name)
    }
    await file('rules.yml', rules)
    const config = await file('prometheus.yml', JSON.stringify(configOf(targets)))
    const url = `http://${node.address}:${port}`
    const process = run(node.networkNamespace, [
      ...[`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`],
      ...[`--web.listen-address=0.0.0.0:${port}`, '--log.level=warn'],
    ])
    const prometheus = new Prometheus(process, url)
    await prometheus.#answers()
    return prometheus
  }

  async #answers(): Promise<void> {
    let ended: string | undefined
    void this.#process.then(({ all, shortMessage }) => {
      ended = `${shortMessage ?? 'it ended'}\n${all}`
    })
    const deadline = Date.now() + 60_000
    for (;;) {
      const ready = await fetch(`${this.#url}/-/ready`).catch(() => undefined)
      if (ready?.ok) return
      if (ended !== undefined) throw new Error(`Prometheus did not start: ${ended}`)
      if (Date.now() > deadline) {
        await this.stop()
        throw new Error(`Prometheus does not answer at ${this.#url}`)
      }
      await delay(100)
    }
  }

  /** How many series an expression has had values in, at any time of a span; NaN is no value. */
  async seriesIn(expr: string, span: { from: number; to: number }): Promise<number> {
    const found = await this.#ask<{ result: { values: [number, string][] }[] }>('query_range', {
      query: expr,
      start: String(span.from / 1000),
      end: String(span.to / 1000),
      step: String(everySeconds),
    })
    return found.result.filter(({ values }) => values.some(([, value]) => value !== 'NaN')).length
  }

  /** Values of a label of the series that a selector picks. */
  labelValues(label: string, selector: string): Promise<string[]> {
    return this.#ask(`label/${label}/values`, { 'match[]': selector })
  }

  async rules(): Promise<RuleState[]> {
    const { groups } = await this.#ask<{ groups: { rules: RuleState[] }[] }>('rules', {})
    return groups.flatMap(({ rules }) => rules)
  }

  /** Of each target that does not answer, why. */
  async unreachable(): Promise<string[]> {
    type Active = { health: string; scrapeUrl: string; lastError: string }
    const { activeTargets } = await this.#ask<{ activeTargets: Active[] }>('targets', {})
    return activeTargets
      .filter(({ health }) => health !== 'up')
      .map(({ scrapeUrl, lastError }) => `${scrapeUrl}: ${lastError}`)
  }

  /** Once more does nothing. */
  async stop(): Promise<void> {
    this.#process.kill()
    await this.#process
  }

  async #ask<T>(path: string, query: Record<string, string>): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(query)}`)
    const body = (await answer.json()) as { data: T; error?: string }
    if (body.error) throw new Error(`${body.error}\n${JSON.stringify(query)}`)
    return body.data
  }
}

function run(networkNamespace: string, args: readonly string[]) {
  const program = findProgram('prometheus') ?? 'prometheus'
  // The call that it looks at goes first.
  const within = [`--net=/run/netns/${networkNamespace}`, '--', 'nice', '-n', '10']
  return execa('nsenter', [...within, program, ...args], { all: true, reject: false })
}

function configOf(targets: readonly Target[]): object {
  return {
    global: { scrape_interval: `${everySeconds}s`, evaluation_interval: `${everySeconds}s` },
    rule_files: ['rules.yml'],
    scrape_configs: targets.map(({ address, path, labels, honorLabels, tls }, index) => ({
      job_name: `target-${index}`,
      metrics_path: path,
      honor_labels: honorLabels,
      ...(tls && { scheme: 'https', tls_config: tls }),
      static_configs: [{ targets: [address], labels }],
    })),
  }
}
