import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'

export type WatchedFile<T> = {
  /** What the file last said in a readable form; undefined until it has. */
  current(): T | undefined
  close(): void
}

/**
 * Follows a file's content. The folder is watched rather than the file, because Kubernetes swaps
 * mounted files by renaming a symlink beside them; a slow poll covers file systems without events.
 * A file that is missing or does not parse leaves the last good value in place.
 *
 * @param onProblem called once for each new problem, with an error that names the file
 */
export function watchFile<T>(
  path: string,
  parse: (text: string) => T,
  onProblem: (error: Error) => void,
  pollMs = 5000,
): WatchedFile<T> {
  let text: string | undefined
  let value: T | undefined
  let problem: string | undefined

  const read = () => {
    try {
      const now = readFileSync(path, 'utf8')
      if (now !== text) {
        value = parse(now)
        text = now
      }
      problem = undefined
    } catch (cause) {
      const message = `${path}: ${cause instanceof Error ? cause.message : String(cause)}`
      if (message !== problem) onProblem(new Error(message, { cause }))
      problem = message
    }
  }

  let watcher: FSWatcher | undefined
  let soon: NodeJS.Timeout | undefined
  const follow = () => {
    if (watcher) return
    try {
      watcher = watch(dirname(path), { persistent: false }, () => {
        // A swap is several events; the last one finds the new file in place.
        clearTimeout(soon)
        soon = setTimeout(read, 20)
        soon.unref()
      })
      watcher.on('error', () => {
        watcher?.close()
        watcher = undefined
      })
    } catch {
      // The folder is not there yet: the poll finds it when it is.
      watcher = undefined
    }
  }

  read()
  follow()
  const poll = setInterval(() => {
    follow()
    read()
  }, pollMs)
  poll.unref()

  return {
    current: () => value,
    close() {
      clearInterval(poll)
      clearTimeout(soon)
      watcher?.close()
    },
  }
}
