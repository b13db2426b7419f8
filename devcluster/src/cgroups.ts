import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Mount points of the cgroup hierarchies of this machine: one a controller (v1), or one in all (v2). */
export async function cgroupRoots(): Promise<string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8')
  return mounts
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')
    .filter((root) => root !== '')
}

/** The cgroup below which all pods of a node are. */
export const nodeCgroup = (cluster: string, node: string) => `/parley.${cluster}.${node}`

/** The cgroups of a cluster that are there now. */
export async function clusterCgroups(cluster: string): Promise<string[]> {
  const found = new Set<string>()
  for (const root of await cgroupRoots()) {
    for (const entry of await readdir(root).catch(() => [])) {
      if (entry.startsWith(`parley.${cluster}.`)) found.add(`/${entry}`)
    }
  }
  return [...found]
}

/** Makes a node's cgroup in each hierarchy; the kubelet wants to find it. */
export async function createNodeCgroup(cluster: string, node: string): Promise<void> {
  for (const root of await cgroupRoots()) {
    const folder = join(root, nodeCgroup(cluster, node))
    await mkdir(folder, { recursive: true })
    // A v1 cpuset starts empty and takes no process until it has processors and memory.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (!existsSync(join(folder, file)) || !existsSync(join(dirname(folder), file))) continue
      const parent = await readFile(join(dirname(folder), file), 'utf8')
      if ((await readFile(join(folder, file), 'utf8')).trim() === '') {
        await writeFile(join(folder, file), parent.trim())
      }
    }
  }
}
