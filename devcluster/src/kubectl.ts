import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { ensureBinaries } from './binaries.ts'
import { DevclusterError } from './errors.ts'

const ESTABLISHED_WITHIN_MS = 30_000

/** Path of the kubectl that is built with the cluster's own version. */
export async function kubectlPath(): Promise<string> {
  const { kubernetes } = await ensureBinaries(['kubernetes'])
  return join(kubernetes, 'kubectl')
}

/**
 * Runs kubectl against a cluster and returns its stdout.
 *
 * @throws DevclusterError REQUEST_FAILED with what kubectl wrote to stderr
 */
export async function kubectl(
  cluster: { readonly kubeconfig: string },
  args: readonly string[],
  options: { readonly input?: string } = {},
): Promise<string> {
  const result = await execa(await kubectlPath(), args, {
    env: { KUBECONFIG: cluster.kubeconfig },
    reject: false,
    ...(options.input === undefined ? {} : { input: options.input }),
  })
  if (result.exitCode === 0) return result.stdout
  throw new DevclusterError(
    'REQUEST_FAILED',
    `kubectl ${args.join(' ')}: ${result.stderr || result.shortMessage}`,
  )
}

interface Definition {
  metadata: { name: string }
  status?: { conditions?: { type: string; status: string }[] | null }
}

/**
 * Resolves when the API server takes objects of every CustomResourceDefinition that it has. `kubectl wait` does not wait
 * for one that is so new that it has no conditions yet: it fails.
 *
 * @param run runs kubectl, @returns its stdout
 * @throws DevclusterError REQUEST_FAILED after half a minute, with the names of those that are not ready
 */
export async function crdsEstablished(
  run: (args: readonly string[]) => Promise<string>,
): Promise<void> {
  const deadline = Date.now() + ESTABLISHED_WITHIN_MS
  for (;;) {
    const { items } = JSON.parse(await run(['get', 'crd', '-o', 'json'])) as { items: Definition[] }
    const waiting = items.filter(({ status }) => {
      const conditions = status?.conditions ?? []
      return !conditions.some(({ type, status }) => type === 'Established' && status === 'True')
    })
    if (waiting.length === 0) return
    if (Date.now() > deadline) {
      const names = waiting.map(({ metadata }) => metadata.name).join(', ')
      throw new DevclusterError('REQUEST_FAILED', `not established after 30 s: ${names}`)
    }
    await delay(100)
  }
}
