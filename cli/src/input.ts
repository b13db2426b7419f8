import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { UsageError } from './errors.ts'

const byteOrderMark = '\uFEFF'
/** Longer lines are cut here: no message of coturn comes near it, and a line must fit in memory. */
const longestLineBytes = 1024 * 1024

/**
 * The text of a file, or of standard input for `-`.
 * @throws UsageError that names the file where it is a folder, or not UTF-8
 */
export async function readTextFile(file: string): Promise<string> {
  const bytes =
    file === '-' ? await buffer(process.stdin) : await namingTheFile(file, () => readFile(file))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UsageError(`${nameOf(file)} is not UTF-8 text; save it as UTF-8`)
  }
}

/**
 * The lines of a file, or of standard input for `-`, as a text editor counts them: ends are LF or
 * CRLF, never U+2028, which JSON allows inside a string. A line past 1 MiB comes cut.
 * @throws UsageError that names the file where it is a folder
 */
export async function* readLines(file: string): AsyncGenerator<string> {
  const input: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file)
  let first = true
  let parts: Buffer[] = []
  let length = 0
  const add = (part: Buffer) => {
    const room = longestLineBytes - length
    if (room > 0) parts.push(part.subarray(0, room))
    length += part.length
  }
  const line = () => {
    let text = Buffer.concat(parts).toString().replace(/\r$/, '')
    if (first && text.startsWith(byteOrderMark)) text = text.slice(1)
    first = false
    parts = []
    length = 0
    return text
  }
  const chunks = input[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await namingTheFile(file, () => chunks.next())
      if (done) break
      let start = 0
      for (let end = value.indexOf(10); end >= 0; end = value.indexOf(10, start)) {
        add(value.subarray(start, end))
        yield line()
        start = end + 1
      }
      if (start < value.length) add(value.subarray(start))
    }
    if (length > 0) yield line()
  } finally {
    // Who has read enough leaves no file open.
    await chunks.return?.()
  }
}

/** Reading a folder is the one error of the system that does not say of which path. */
export async function namingTheFile<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error
    throw new UsageError(`${file} is a folder; a file is needed`)
  }
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file
}
