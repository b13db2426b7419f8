import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

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

/** Makes a node's cgroup in each hierarchy; the kubelet wants to find it, with every controller. */
export async function createNodeCgroup(cluster: string, node: string): Promise<void> {
  for (const root of await cgroupRoots()) {
    const folder = join(root, nodeCgroup(cluster, node))
    await mkdir(folder, { recursive: true })
    await handDownControllers(root)
    await handDownControllers(folder)
    await fillCpuset(root, folder)
    await weigh(folder)
  }
}

/** Cgroup v2: children have the controllers that their parent names. A controller that cannot be had is passed over. */
async function handDownControllers(folder: string): Promise<void> {
  const available = await readFile(join(folder, 'cgroup.controllers'), 'utf8').catch(() => '')
  for (const controller of available.split(/\s+/).filter(Boolean)) {
    await writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined)
  }
}

/** Cgroup v1: a cpuset starts empty and takes no process until it has processors and memory. */
async function fillCpuset(root: string, folder: string): Promise<void> {
  if (existsSync(join(folder, 'cgroup.controllers'))) return
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (!existsSync(join(folder, file))) continue
    if ((await readFile(join(folder, file), 'utf8')).trim() !== '') continue
    await writeFile(join(folder, file), (await readFile(join(root, file), 'utf8')).trim())
  }
}

/**
 * A cgroup weighs as much as one process of the machine unless told otherwise: all pods together would get a small share
 * of a busy machine. A node is to weigh as much as its processors.
 */
async function weigh(folder: string): Promise<void> {
  const processors = availableParallelism()
  for (const [file, one] of [
    ['cpu.shares', 1024],
    ['cpu.weight', 100],
  ] as const) {
    if (existsSync(join(folder, file))) {
      await writeFile(join(folder, file), String(Math.min(10_000, one * processors)))
    }
  }
}
