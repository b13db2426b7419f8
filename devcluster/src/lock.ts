import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, type ProcessIdentity, startTimeOf } from './process.ts'

/**
 * Runs `work` while this process holds the lock file. Waits for a living holder; takes over from one that died.
 * `onWait` is called once with the holder's pid when there is one to wait for.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  onWait?: (pid: number) => void,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true })
  const mine = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`
  const identity: ProcessIdentity = {
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? '',
  }
  await writeFile(mine, JSON.stringify(identity))
  let told = false
  let held = false
  try {
    // A hard link appears at once and with its content: no one ever reads a lock that is half written.
    while (!(await tryLink(mine, file))) {
      const holder = await readHolder(file)
      if (holder === 'nobody' || (holder && !isAlive(holder))) {
        await removeStale(file, `${mine}.stale`)
        continue
      }
      if (holder && !told) {
        told = true
        onWait?.(holder.pid)
      }
      await delay(200)
    }
    held = true
    await sweep(file)
    return await work()
  } finally {
    if (held) await rm(file, { force: true })
    await rm(mine, { force: true })
  }
}

/**
 * Moves a lock aside that a dead process held. Another waiter may have done so before and hold the lock by now:
 * then it is put back.
 */
async function removeStale(file: string, aside: string): Promise<void> {
  try {
    await rename(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const holder = await readHolder(aside)
  if (holder && holder !== 'nobody' && isAlive(holder)) await tryLink(aside, file)
  await rm(aside, { force: true })
}

/** Removes what processes that were killed while they waited have left. */
async function sweep(file: string): Promise<void> {
  for (const name of await readdir(dirname(file))) {
    if (!name.startsWith(`${basename(file)}.`)) continue
    const waiting = join(dirname(file), name)
    const owner = await readHolder(waiting)
    if (owner && owner !== 'nobody' && !isAlive(owner)) await rm(waiting, { force: true })
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Undefined when it was released just now; nobody when what stands there is no lock of ours. */
async function readHolder(file: string): Promise<ProcessIdentity | 'nobody' | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { pid, startTime } = JSON.parse(text) as ProcessIdentity
    return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : 'nobody'
  } catch {
    return 'nobody'
  }
}
