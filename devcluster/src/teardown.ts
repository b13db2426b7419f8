import { existsSync, readFileSync } from 'node:fs'
import { lstat, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { cgroupRoots, clusterCgroups } from './cgroups.ts'
import { DevclusterError } from './errors.ts'
import { withLock } from './lock.ts'
import { machineInterface, switchNamespace } from './network.ts'
import { type ClusterPaths, clusterPaths } from './paths.ts'
import {
  endProcesses,
  findProcesses,
  isAlive,
  listDaemons,
  type OwnershipMarks,
} from './process.ts'
import { listClusters, readRecord } from './record.ts'

/**
 * Removes everything of a cluster, whatever state it is in; nothing is an error that is gone already. The caller holds
 * the cluster's lock.
 */
export async function removeCluster(name: string): Promise<void> {
  const paths = clusterPaths(name)
  const marks = await ownershipMarks(name, paths)
  const daemons = (await listDaemons(paths)).map(({ identity }) => identity)
  // The state is thrown away, so no program needs time to save it. A few rounds: what dies may just have forked.
  await endProcesses(daemons, 0)
  for (let round = 0; round < 5; round++) {
    const found = findProcesses(marks)
    if (found.length === 0) break
    await endProcesses(found, 0)
  }
  await removeNetwork(name)
  await Promise.all(marks.cgroups.map(removeCgroup))
  await removeMounts(paths)
  await removeFiles(paths)
}

/** What is left of a cluster, in words; empty after `down`. */
export async function leftovers(name: string): Promise<string[]> {
  const paths = clusterPaths(name)
  const marks = await ownershipMarks(name, paths)
  const left = findProcesses(marks).map(({ pid, command }) => `process ${pid}: ${command}`)
  left.push(...(await clusterNamespaces(name)).map((namespace) => `namespace ${namespace}`))
  const link = machineInterface(name)
  if (existsSync(`/sys/class/net/${link}`)) left.push(`interface ${link}`)
  left.push(...(await mountsOf(name, paths)).map((target) => `mount ${target}`))
  for (const cgroup of marks.cgroups) {
    for (const root of await cgroupRoots()) {
      if (existsSync(join(root, cgroup))) left.push(`cgroup ${join(root, cgroup)}`)
    }
  }
  if (existsSync(paths.root)) left.push(`files ${paths.root}`)
  return left
}

/** Removes clusters that were to end with a process that is gone (a test run that was killed). */
export async function sweepAbandoned(): Promise<void> {
  for (const { record } of await listClusters()) {
    if (record.kind !== 'control-plane' || !record.owner || isAlive(record.owner)) continue
    const { root } = clusterPaths(record.name)
    await withLock(`${root}.lock`, () => removeCluster(record.name))
  }
}

async function ownershipMarks(name: string, paths: ClusterPaths): Promise<OwnershipMarks> {
  const networkNamespaces = new Set<string>()
  for (const namespace of await clusterNamespaces(name)) {
    const inode = await lstat(`/run/netns/${namespace}`).catch(() => undefined)
    if (inode) networkNamespaces.add(`net:[${inode.ino}]`)
  }
  return { root: paths.root, networkNamespaces, cgroups: await clusterCgroups(name) }
}

/** Names in /run/netns that belong to a cluster. */
export async function clusterNamespaces(name: string): Promise<string[]> {
  const names = await readdir('/run/netns').catch(() => [])
  const own = switchNamespace(name)
  return names.filter((entry) => entry === own || entry.startsWith(`${own}.`)).sort()
}

async function removeNetwork(name: string): Promise<void> {
  for (const namespace of await clusterNamespaces(name)) {
    await execa('ip', ['netns', 'delete', namespace], { reject: false })
  }
  const link = machineInterface(name)
  // The kernel takes a namespace apart in the background: its end of the cable, and with it ours, goes a moment later.
  if (existsSync(`/sys/class/net/${link}`)) {
    await execa('ip', ['link', 'delete', link], { reject: false })
  }
}

async function removeCgroup(cgroup: string): Promise<void> {
  for (const root of await cgroupRoots()) await removeCgroupTree(join(root, cgroup))
}

async function removeCgroupTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (entry.isDirectory()) await removeCgroupTree(join(folder, entry.name))
  }
  // A cgroup is busy until the kernel has buried its last process.
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      await rmdir(folder)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      await delay(20)
    }
  }
}

async function mountsOf(name: string, paths: ClusterPaths): Promise<string[]> {
  const own = `/run/netns/${switchNamespace(name)}`
  const targets = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
  return targets.filter(
    (target) =>
      target === paths.root ||
      target.startsWith(`${paths.root}/`) ||
      target === own ||
      target.startsWith(`${own}.`),
  )
}

async function removeMounts(paths: ClusterPaths): Promise<void> {
  const targets = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(`${paths.root}/`))
  for (const target of targets.reverse()) {
    await execa('umount', ['--lazy', target], { reject: false })
  }
}

async function removeFiles(paths: ClusterPaths): Promise<void> {
  const record = await readRecord(paths)
  const written = await readFile(paths.kubeconfig, 'utf8').catch(() => undefined)
  for (const file of record?.kubeconfigs ?? []) {
    // Someone may have put another cluster's kubeconfig there meanwhile.
    if (written !== undefined && (await readFile(file, 'utf8').catch(() => '')) === written) {
      await rm(file, { force: true })
    }
  }
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  if (mounts.includes(` ${paths.root}/`)) {
    throw new DevclusterError(
      'TIMED_OUT',
      `something is still mounted below ${paths.root}: see "grep ${paths.root} /proc/self/mountinfo", unmount it and run down again`,
    )
  }
  await rm(paths.root, { recursive: true, force: true, maxRetries: 5 })
}
