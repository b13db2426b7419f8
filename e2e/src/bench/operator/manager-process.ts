import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '@parley/devcluster'
import {
  cachedBundle,
  cachePaths,
  PARLEY_NODE_ENVIRONMENT,
  PARLEY_NODE_FLAGS,
} from '@parley/images'
import { cpuSeconds, peakMebibytes } from './process-figures.ts'

/** The operator as a process of its own: the bundle of the image, started as it is there. */
export class ManagerProcess {
  readonly started = performance.now()
  readonly #child: ChildProcess
  readonly #metricsPort: number
  readonly #synced: Promise<void>
  readonly #ended: Promise<unknown>
  #log = ''

  private constructor(child: ChildProcess, metricsPort: number) {
    this.#child = child
    this.#metricsPort = metricsPort
    this.#ended = once(child, 'exit')
    this.#synced = new Promise((resolve) => {
      if (!child.stdout) return
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.#log = `${this.#log}${line}\n`.slice(-10_000)
        if (line.includes('"caches filled"')) resolve()
      })
    })
    child.stderr?.on('data', (text) => {
      this.#log += text
    })
  }

  static async start(kubeconfig: string, args: readonly string[] = []): Promise<ManagerProcess> {
    const folder = await cachedBundle(
      { entry: 'cli/src/main.ts', name: 'parley' },
      cachePaths().bundles,
    )
    const metricsPort = await freePort()
    const child = spawn(
      process.execPath,
      [
        ...PARLEY_NODE_FLAGS,
        ...[join(folder, 'parley.mjs'), 'manager', '--kubeconfig', kubeconfig],
        ...['--metrics-port', String(metricsPort), '--health-port', '0', ...args],
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...PARLEY_NODE_ENVIRONMENT, NODE_ENV: 'production' },
      },
    )
    return new ManagerProcess(child, metricsPort)
  }

  get log(): string {
    return this.#log
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  cpuSeconds(): number {
    return cpuSeconds(this.pid)
  }

  peakMebibytes(): number {
    return peakMebibytes(this.pid)
  }

  /** Resolves when its caches are filled. @throws when it ends before */
  synced(): Promise<void> {
    return Promise.race([this.#synced, this.#ended.then(() => this.#fail())])
  }

  /** Resolves when so many looks at a MeetingCluster have succeeded, and it has nothing to do. */
  async idle(passes: number): Promise<void> {
    await this.synced()
    for (;;) {
      const metrics = await this.metrics()
      if (
        sum(metrics, 'controller_runtime_reconcile_total', /result="(success|requeue_after)"/) >=
          passes &&
        sum(metrics, 'workqueue_depth') === 0 &&
        sum(metrics, 'controller_runtime_active_workers') === 0
      )
        return
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (this.#child.exitCode !== null) this.#fail()
    }
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)
    return response.text()
  }

  /** Requests that change something, dry runs included. */
  async writes(): Promise<number> {
    return sum(
      await this.metrics(),
      'rest_client_requests_total',
      /method="(PATCH|POST|PUT|DELETE)"/,
    )
  }

  /** Ends it as Kubernetes does. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
  }

  #fail(): never {
    throw new Error(`the manager ended: ${this.#log.slice(-2000)}`)
  }
}

/** Over all series of a metric whose labels match. */
export function sum(metrics: string, name: string, labels = /./): number {
  let total = 0
  for (const line of metrics.split('\n')) {
    if (!line.startsWith(name) || !/[ {]/.test(line.charAt(name.length)) || !labels.test(line))
      continue
    total += Number(line.slice(line.lastIndexOf(' ')))
  }
  return total
}
