import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DevclusterError } from './errors.ts'
import { systemPath } from './packages.ts'
import type { ClusterPaths } from './paths.ts'

/** Every process of a cluster carries this variable with the cluster's state directory, so it is found after a crash. */
export const OWNER_VARIABLE = 'PARLEY_CLUSTER_DIR'

/** A pid alone may have been given to another process since: the start time tells. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string
}

/**
 * `process`: ends with the process that started it, however that one ends.
 * `detached`: goes on until it is stopped.
 */
export type Lifetime = 'process' | 'detached'

export interface Daemon {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  /** Network namespace to run in; the caller's when left out. */
  readonly networkNamespace?: string
  readonly lifetime: Lifetime
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a program in the background, its output in `logs/NAME.log`, unless it runs already. */
export async function startDaemon(paths: ClusterPaths, daemon: Daemon): Promise<ProcessIdentity> {
  const recorded = await readDaemon(paths, daemon.name)
  if (recorded && isAlive(recorded)) return recorded
  await mkdir(paths.logs, { recursive: true })
  await mkdir(paths.processes, { recursive: true })
  const command = [daemon.file, ...daemon.args]
  if (daemon.networkNamespace) {
    command.unshift('nsenter', `--net=/run/netns/${daemon.networkNamespace}`, '--')
  }
  if (daemon.lifetime === 'process') command.unshift('setpriv', '--pdeathsig', 'KILL', '--')
  const [file = '', ...args] = command
  const log = openSync(join(paths.logs, `${daemon.name}.log`), 'a', 0o640)
  try {
    // execa is for programs that are waited for; this one is to be left alone.
    const child = spawn(file, args, {
      detached: true,
      env: {
        PATH: systemPath(),
        HOME: paths.root,
        [OWNER_VARIABLE]: paths.root,
        ...daemon.env,
      },
      stdio: ['ignore', log, log],
    })
    const pid = child.pid
    if (pid === undefined) {
      const [cause] = await once(child, 'error')
      throw new DevclusterError('PROCESS_ENDED', `${daemon.name} cannot be started: ${cause}`, {
        cause,
      })
    }
    child.unref()
    const identity = { pid, startTime: startTimeOf(pid) ?? '' }
    const target = join(paths.processes, `${daemon.name}.json`)
    await writeFile(`${target}.new`, JSON.stringify(identity))
    await rename(`${target}.new`, target)
    return identity
  } finally {
    closeSync(log)
  }
}

export async function readDaemon(
  paths: ClusterPaths,
  name: string,
): Promise<ProcessIdentity | undefined> {
  try {
    const text = await readFile(join(paths.processes, `${name}.json`), 'utf8')
    return JSON.parse(text) as ProcessIdentity
  } catch {
    return undefined
  }
}

/** The recorded processes of a cluster, dead ones too. */
export async function listDaemons(
  paths: ClusterPaths,
): Promise<{ name: string; identity: ProcessIdentity; alive: boolean }[]> {
  const files = await readdir(paths.processes).catch(() => [])
  const daemons = []
  for (const file of files.filter((name) => name.endsWith('.json')).sort()) {
    const name = file.slice(0, -'.json'.length)
    const identity = await readDaemon(paths, name)
    if (identity) daemons.push({ name, identity, alive: isAlive(identity) })
  }
  return daemons
}

/** The last lines of a daemon's log, to show why it ended. */
export async function tailLog(paths: ClusterPaths, name: string, lines = 8): Promise<string> {
  const text = await readFile(join(paths.logs, `${name}.log`), 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

export function startTimeOf(pid: number): string | undefined {
  const fields = statFields(pid)
  return fields?.[19]
}

export function isAlive(identity: ProcessIdentity): boolean {
  const fields = statFields(identity.pid)
  if (fields === undefined || fields[19] !== identity.startTime) return false
  // A zombie holds nothing any more; only its parent has yet to notice. But while other threads of it are still on their
  // way out (field 20, num_threads), so are its sockets and files.
  return fields[0] !== 'Z' || Number(fields[17]) > 1
}

/** The fields of /proc/PID/stat from `state` on (the third; the name before it may hold spaces). */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Sends a signal to each, and SIGKILL to those that live on after `graceMs`. Returns when all are gone. */
export async function endProcesses(
  identities: readonly ProcessIdentity[],
  graceMs: number,
): Promise<void> {
  let living = identities.filter(isAlive)
  for (const { pid } of living) signal(pid, graceMs > 0 ? 'SIGTERM' : 'SIGKILL')
  let killAt = performance.now() + graceMs
  const giveUpAt = performance.now() + graceMs + 15_000
  for (;;) {
    living = living.filter(isAlive)
    if (living.length === 0) return
    if (performance.now() > giveUpAt) {
      throw new DevclusterError(
        'TIMED_OUT',
        `process ${living.map(({ pid }) => pid).join(', ')} does not end; is its disk or file system stuck?`,
      )
    }
    if (performance.now() >= killAt) {
      for (const { pid } of living) signal(pid, 'SIGKILL')
      killAt += 1000
    }
    await delay(20)
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself in between.
  }
}

export interface OwnershipMarks {
  /** State directory: compared with OWNER_VARIABLE in a process's environment. */
  readonly root: string
  /** `net:[4026532xxx]` links of the cluster's network namespaces. */
  readonly networkNamespaces: ReadonlySet<string>
  /** Cgroup paths start with one of these. */
  readonly cgroups: readonly string[]
}

/** Looks through /proc for every process that belongs to a cluster, recorded or not. */
export function findProcesses(marks: OwnershipMarks): (ProcessIdentity & { command: string })[] {
  const found = []
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    if (!belongs(pid, marks)) continue
    const startTime = startTimeOf(pid)
    if (startTime === undefined || !isAlive({ pid, startTime })) continue
    found.push({ pid, startTime, command: commandOf(pid) })
  }
  return found
}

function belongs(pid: number, marks: OwnershipMarks): boolean {
  try {
    if (
      readFileSync(`/proc/${pid}/environ`, 'utf8')
        .split('\0')
        .includes(`${OWNER_VARIABLE}=${marks.root}`)
    ) {
      return true
    }
    if (
      marks.networkNamespaces.size > 0 &&
      marks.networkNamespaces.has(readlinkSync(`/proc/${pid}/ns/net`))
    ) {
      return true
    }
    if (marks.cgroups.length === 0) return false
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .split('\n')
      .map((line) => line.split(':').slice(2).join(':'))
      .some((path) =>
        marks.cgroups.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)),
      )
  } catch {
    // Ended meanwhile, or another user's.
    return false
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim().slice(0, 120)
  } catch {
    return ''
  }
}
