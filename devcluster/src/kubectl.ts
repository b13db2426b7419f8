import { join } from 'node:path'
import { execa } from 'execa'
import { ensureBinaries } from './binaries.ts'
import { DevclusterError } from './errors.ts'

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
