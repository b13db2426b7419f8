import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import type { ControlPlaneEndpoints } from './control-plane.ts'
import type { Subnet } from './network.ts'
import { type ClusterPaths, clusterPaths, clustersRoot } from './paths.ts'
import type { Lifetime, ProcessIdentity } from './process.ts'

interface RecordBase {
  readonly name: string
  /** Boot during which the cluster was made: after another one only its files are left. */
  readonly bootId: string
  readonly endpoints: ControlPlaneEndpoints
  /** Files outside of the state directory that hold the administrator's kubeconfig. */
  readonly kubeconfigs: readonly string[]
}

/** An API server with its controllers, as plain processes. */
export interface ControlPlaneRecord extends RecordBase {
  readonly kind: 'control-plane'
  readonly scheduler: boolean
  readonly lifetime: Lifetime
  /** The process that a cluster with lifetime `process` ends with. */
  readonly owner?: ProcessIdentity
}

/** A control plane and nodes in network namespaces. */
export interface NodesRecord extends RecordBase {
  readonly kind: 'nodes'
  readonly subnet: Subnet
  readonly nodeCount: number
}

/** What `up` decided, so that the next `up`, `status` and `down` agree with it. */
export type ClusterRecord = ControlPlaneRecord | NodesRecord

export async function readRecord(paths: ClusterPaths): Promise<ClusterRecord | undefined> {
  try {
    return JSON.parse(await readFile(paths.record, 'utf8')) as ClusterRecord
  } catch {
    // None, or an `up` was interrupted before the first record was complete.
    return undefined
  }
}

export async function writeRecord(paths: ClusterPaths, record: ClusterRecord): Promise<void> {
  await mkdir(paths.root, { recursive: true, mode: 0o700 })
  await writeFile(`${paths.record}.new`, `${JSON.stringify(record, null, 2)}\n`)
  await rename(`${paths.record}.new`, paths.record)
}

export async function listClusters(): Promise<{ paths: ClusterPaths; record: ClusterRecord }[]> {
  const names = await readdir(clustersRoot()).catch(() => [])
  const clusters = []
  for (const name of names.filter((entry) => !entry.includes('.')).sort()) {
    const paths = clusterPaths(name)
    const record = await readRecord(paths)
    if (record) clusters.push({ paths, record })
  }
  return clusters
}

export async function currentBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}
