import { homedir } from 'node:os'
import { join } from 'node:path'
import { DevclusterError } from './errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where built programs are kept, outside of any checkout: `$XDG_CACHE_HOME/parley/devcluster`. */
export function cacheRoot(env: Environment = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'parley', 'devcluster')
}

/** Where clusters keep what they need while they run: `$XDG_STATE_HOME/parley/clusters`. */
export function clustersRoot(env: Environment = process.env): string {
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'parley', 'clusters')
}

/** All that a cluster owns on disk is below `root`. */
export interface ClusterPaths {
  readonly root: string
  readonly record: string
  readonly kubeconfig: string
  readonly pki: string
  readonly config: string
  readonly etcd: string
  readonly logs: string
  /** One file a process: its pid and start time. */
  readonly processes: string
  readonly nodes: string
  readonly volumes: string
}

/** @throws DevclusterError USAGE when the name is no DNS label of at most 40 characters. */
export function clusterPaths(name: string, env: Environment = process.env): ClusterPaths {
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    throw new DevclusterError(
      'USAGE',
      `"${name}" cannot name a cluster: use 1 to 40 lower-case letters, digits and "-", starting and ending with a letter or digit`,
    )
  }
  const root = join(clustersRoot(env), name)
  return {
    root,
    record: join(root, 'cluster.json'),
    kubeconfig: join(root, 'kubeconfig'),
    pki: join(root, 'pki'),
    config: join(root, 'config'),
    etcd: join(root, 'etcd'),
    logs: join(root, 'logs'),
    processes: join(root, 'processes'),
    nodes: join(root, 'nodes'),
    volumes: join(root, 'volumes'),
  }
}
