import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Runs `work` while this process holds the lock file; waits for another that does.
 *
 * The lock is `flock`'s, held by a child that lives as long as its standard input: however this process ends,
 * the lock goes with it.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  onWait?: () => void,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true })
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const patience = setTimeout(() => onWait?.(), 500)
  try {
    await Promise.race([
      once(holder.stdout, 'data'),
      once(holder, 'exit').then(() => Promise.reject(new Error(`cannot lock ${file}`))),
    ])
    clearTimeout(patience)
    return await work()
  } finally {
    clearTimeout(patience)
    const ended = holder.exitCode === null ? once(holder, 'exit') : undefined
    holder.stdin.end()
    await ended
  }
}
