import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What a build of the webapp is made from, relative to the checkout. */
const sources = [
  'package-lock.json',
  'protocol/src',
  'webapp/index.html',
  'webapp/public',
  'webapp/src',
  'webapp/vite.config.ts',
]

/**
 * The folder of the built webapp, built now where these sources were not built before.
 * @param onBuild called when that takes a while
 * @throws Error with what vite said
 */
export async function builtWebapp(
  checkout: string,
  signal: AbortSignal,
  onBuild: () => void,
): Promise<string> {
  const folder = join(cacheFolder(), 'webapp', await hashOf(checkout))
  if (existsSync(join(folder, 'index.html'))) return folder
  onBuild()
  const building = `${folder}.${process.pid}`
  try {
    await build(checkout, building, signal)
    await rm(folder, { recursive: true, force: true })
    await rename(building, folder)
  } finally {
    await rm(building, { recursive: true, force: true })
  }
  return folder
}

/** Where Parley keeps on this machine what it can make again. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'parley')
}

/** Reading TypeScript is most of what a start takes; and vite would keep what it has read among temporary files. */
export function compileCache(): { NODE_COMPILE_CACHE: string } {
  return { NODE_COMPILE_CACHE: join(cacheFolder(), 'compiled') }
}

async function build(checkout: string, outDir: string, signal: AbortSignal): Promise<void> {
  await mkdir(outDir, { recursive: true })
  const child = spawn(
    process.execPath,
    [viteOf(checkout), 'build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn'],
    {
      cwd: join(checkout, 'webapp'),
      env: { ...process.env, ...compileCache() },
      signal,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => {
      said += text
    })
  child.on('error', () => {})
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the webapp cannot be built:\n${said.trim()}`)
}

export function viteOf(checkout: string): string {
  return join(checkout, 'node_modules', 'vite', 'bin', 'vite.js')
}

async function hashOf(checkout: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of (await Promise.all(sources.map((path) => filesOf(checkout, path)))).flat())
    hash.update(`${file}\0`).update(await readFile(join(checkout, file)))
  return hash.digest('hex').slice(0, 16)
}

async function filesOf(checkout: string, path: string): Promise<string[]> {
  const full = join(checkout, path)
  if ((await stat(full)).isFile()) return [path]
  const entries = await readdir(full, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => join(path, entry.parentPath.slice(full.length), entry.name))
    .toSorted()
}
