import { createHash } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'

/**
 * What tells this build from every other one: a digest of the entry file of a bundle, which names all other files by
 * their content.
 *
 * @param entry the file that Node was started with
 * @returns undefined where sources run as they are, whose entry says nothing of the rest
 */
export async function buildOf(entry: string | undefined): Promise<string | undefined> {
  // In the image it is started by a link.
  const file = entry && (await realpath(entry).catch(() => undefined))
  if (!file?.endsWith('.mjs')) return undefined
  const text = await readFile(file)
  // Somebody's own way of starting the sources is none.
  if (!BUNDLED.test(text.toString())) return undefined
  return createHash('sha256').update(text).digest('base64url')
}

/** What splitting names its files. */
const BUNDLED = /\.\/chunk-[\w.-]+\.mjs/
