import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ControlPlane } from '@parley/devcluster'
import { kubectl } from '@parley/devcluster'
import { execa } from 'execa'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

interface Deployment {
  spec: {
    template: {
      spec: {
        serviceAccountName: string
        containers: { args: string[]; env: { name: string; value?: string }[] }[]
      }
    }
  }
}

/**
 * What the kubelet would start for an operator's Deployment, as a process: its arguments, its environment, and the
 * token of its service account, so that the rights installed are the rights it has. Only its ports are free ones.
 */
export class InstalledOperator {
  readonly #process: ReturnType<typeof start>
  #log = ''
  #ended = false

  private constructor(process: ReturnType<typeof start>) {
    this.#process = process
    process.then(() => {
      this.#ended = true
    })
    process.stdout.on('data', (chunk) => {
      this.#log += chunk
    })
    process.stderr.on('data', (chunk) => {
      this.#log += chunk
    })
  }

  static async start(
    cluster: ControlPlane,
    namespace: string,
    name = 'parley-operator',
  ): Promise<InstalledOperator> {
    const text = await kubectl(cluster, ['get', 'deploy', name, '-n', namespace, '-o', 'json'])
    const { serviceAccountName, containers } = (JSON.parse(text) as Deployment).spec.template.spec
    const [container] = containers
    if (!container) throw new Error(`Deployment ${name} has no container`)
    const kubeconfig = await kubeconfigOf(cluster, namespace, serviceAccountName)
    const args = container.args.map((arg) => arg.replace(/^(--[a-z-]+-port)=\d+$/, '$1=0'))
    const env = Object.fromEntries(
      container.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
    )
    return new InstalledOperator(
      start([...args, `--kubeconfig=${kubeconfig}`], { ...env, POD_NAMESPACE: namespace }),
    )
  }

  /** Everything it has said. */
  get log(): string {
    return this.#log
  }

  get ended(): boolean {
    return this.#ended
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM')
    await this.#process
  }
}

function start(args: string[], env: Record<string, string>) {
  return execa(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    env,
    reject: false,
    buffer: false,
  })
}

/** A kubeconfig with a token of this service account. @returns its path, beside that of the cluster */
export async function kubeconfigOf(
  cluster: ControlPlane,
  namespace: string,
  account: string,
): Promise<string> {
  const token = await kubectl(cluster, ['create', 'token', account, '-n', namespace])
  const view = await kubectl(cluster, ['config', 'view', '--raw', '-o', 'json'])
  const config = JSON.parse(view) as { users: { user: object }[] }
  for (const user of config.users) user.user = { token: token.trim() }
  const file = `${cluster.kubeconfig}.${namespace}.${account}`
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  return file
}
