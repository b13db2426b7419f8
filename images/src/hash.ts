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

/** SHA-256 over the names and contents of all files below the folders; independent of times, modes and where they lie. */
export async function hashFolders(folders: readonly string[]): Promise<string> {
  const parts: (string | Uint8Array)[] = []
  for (const folder of folders) {
    for (const file of await filesBelow(folder)) {
      parts.push(relative(folder, file), await readFile(file))
    }
  }
  return hashOf(...parts)
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/\/(node_modules|dist)\//.test(relative(folder, file).padStart(1, '/')))
    .sort()
}
