import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** SHA-256 in hex over parts, each set off from the next. */
export function hashOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    hash.update(`${typeof part === 'string' ? Buffer.byteLength(part) : part.byteLength}:`)
    hash.update(part)
  }
  return hash.digest('hex')
}

/**
 * SHA-256 over the names and contents of all files below the folders; independent of times, modes and where they lie.
 * `without`: top folders that are left out.
 */
export async function hashFolders(
  folders: readonly string[],
  without: readonly string[] = [],
): Promise<string> {
  const parts: (string | Uint8Array)[] = []
  for (const folder of folders) {
    for (const top of (await readdir(folder, { withFileTypes: true })).sort(byName)) {
      if (without.includes(top.name)) continue
      const path = join(folder, top.name)
      const files = top.isDirectory() ? await filesBelow(path) : [path]
      for (const file of files) parts.push(relative(folder, file), await readFile(file))
    }
  }
  return hashOf(...parts)
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function byName(left: { name: string }, right: { name: string }): number {
  return left.name < right.name ? -1 : 1
}
