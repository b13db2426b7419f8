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
      if (holder && !isAlive(holder)) {
        const stale = `${mine}.stale`
        await rename(file, stale).catch(() => undefined)
        await rm(stale, { force: true })
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

/** Removes what processes that were killed while they waited have left. */
async function sweep(file: string): Promise<void> {
  for (const name of await readdir(dirname(file))) {
    if (!name.startsWith(`${basename(file)}.`)) continue
    const waiting = join(dirname(file), name)
    const owner = await readHolder(waiting)
    if (owner && !isAlive(owner)) await rm(waiting, { force: true })
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

async function readHolder(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}
