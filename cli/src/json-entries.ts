import { createReadStream } from 'node:fs'
import type { JsonEntry } from '@parley/relay-cost'
import { JSONParser } from '@streamparser/json'
import { UsageError } from './errors.ts'
import { namingTheFile } from './input.ts'

/**
 * Hands over the values of a JSON file that stand at any of the paths (JSONPath, `$.products.*`), one
 * by one. The file is read as a stream, and nothing of it is kept: vendors' price lists have several
 * hundred megabytes.
 * @throws UsageError that names the file where it is no JSON, or cut short
 */
export async function readJsonEntries(
  file: string,
  paths: readonly string[],
  take: (entry: JsonEntry) => void,
): Promise<void> {
  const parser = new JSONParser({ paths: [...paths], keepStack: false })
  let failure: Error | undefined
  parser.onValue = ({ value, key, stack }) => {
    const keys = [...stack.map((level) => level.key), key].filter((each) => each !== undefined)
    take({ path: keys, value })
  }
  parser.onError = (error) => {
    failure ??= error
  }
  const input: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file)
  await namingTheFile(file, async () => {
    for await (const chunk of input) {
      parser.write(chunk)
      if (failure) break
    }
  })
  const name = file === '-' ? 'standard input' : file
  if (failure) throw new UsageError(`${name} is not JSON: ${failure.message}; fetch it again`)
  if (!parser.isEnded)
    throw new UsageError(`${name} ends in the middle of its JSON; fetch it again`)
}
