import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type InfraConfig, loadConfig } from '../config/load.ts'

/** The example that comes with Parley: two regions for production. */
export const EXAMPLE_CONFIG = relative(
  process.cwd(),
  fileURLToPath(new URL('../../config/example.yaml', import.meta.url)),
)

export async function readConfig(file: string): Promise<InfraConfig> {
  return loadConfig(await readFile(resolve(file), 'utf8'), file)
}
