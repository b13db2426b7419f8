import { existsSync, readdirSync, statSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { ImagesError } from './errors.ts'
import { hashOf } from './hash.ts'
import { repositoryRoot } from './paths.ts'

/** Native add-ons that packages try to load and do without. */
const OPTIONAL_NATIVE = ['bufferutil', 'utf-8-validate', 'cpu-features', 'msgpackr-extract', 'pg']

/** Raised when the options of a bundle change. */
const RECIPE = '6'

const KUBECONFIG_ONLY = 'kubeconfig-only'
const HTTP_ALONE = 'http-alone'
/** Of `node:http`, but for what makes Node load its own fetch and WebSocket. */
const HTTP_EXPORTS = Object.keys(http).filter(
  (name) => !/^(WebSocket|CloseEvent|MessageEvent)$/.test(name),
)
const DISPATCHERS_ONLY = 'dispatchers-only'
const IN_ENGLISH = 'in-english'

export interface Bundle {
  /** Entry file below the checkout, for example `cli/src/main.ts`. */
  readonly entry: string
  /** Name of the result without its ending, for example `parley`. */
  readonly name: string
}

/**
 * Bundles an entry file with all that it imports into ES modules: `NAME.mjs`, and chunks for what is imported only when
 * used, so that a process loads no more than its own part. The result is kept in `cache` and made anew when one of
 * the files that went into it changed.
 *
 * @returns the folder of the bundle
 * @throws ImagesError BUNDLE_FAILED with esbuild's first messages, SOURCE_MISSING
 */
export async function cachedBundle(each: Bundle, cache: string): Promise<string> {
  const recipe = hashOf(RECIPE, each.entry, repositoryRoot).slice(0, 12)
  const folder = join(cache, `${each.name}-${recipe}`)
  if (await isFresh(join(folder, 'inputs.json'))) return join(folder, 'out')
  const partial = `${folder}.partial`
  await rm(partial, { recursive: true, force: true })
  const inputs = await bundle(each, join(partial, 'out'))
  await writeFile(join(partial, 'inputs.json'), JSON.stringify(inputs))
  await rm(folder, { recursive: true, force: true })
  await rename(partial, folder)
  return join(folder, 'out')
}

interface Input {
  readonly file: string
  readonly size: number
  readonly mtimeMs: number
}

async function isFresh(record: string): Promise<boolean> {
  const text = await readFile(record, 'utf8').catch(() => undefined)
  if (text === undefined) return false
  const inputs = JSON.parse(text) as readonly Input[]
  const now = await Promise.all(inputs.map(({ file }) => stat(file).catch(() => undefined)))
  return inputs.every((was, index) => {
    const is = now[index]
    return is?.size === was.size && is.mtimeMs === was.mtimeMs
  })
}

async function describe(file: string): Promise<Input> {
  const { size, mtimeMs } = await stat(file)
  return { file, size, mtimeMs }
}

/** Bundles into `outDir` and returns the files that went into it, taken before esbuild read them. */
async function bundle(each: Bundle, outDir: string): Promise<readonly Input[]> {
  const entry = join(repositoryRoot, each.entry)
  if (!existsSync(entry)) {
    throw new ImagesError('SOURCE_MISSING', `${each.entry} is not there; is the checkout complete?`)
  }
  const started = Date.now()
  const assets = new Set<string>()
  const result = await build({
    entryPoints: { [each.name]: entry },
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[name]-[hash]',
    absWorkingDir: repositoryRoot,
    bundle: true,
    splitting: true,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: OPTIONAL_NATIVE,
    // Node keeps the text of what it runs: without comments it is less, and one byte a character. Lines that end now and
    // then say in a stack trace where something is.
    minifyWhitespace: true,
    lineLimit: 120,
    legalComments: 'linked',
    // What undici leaves out of its bundle in Node: a second HTTP parser, which has to be asked for.
    define: { esbuildDetection: 'true' },
    logLevel: 'silent',
    // CommonJS dependencies call require; ES modules have none.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    plugins: [
      filesByUrl(outDir, assets),
      kubeConfigOnly(),
      dispatchersOnly(),
      httpAlone(),
      inEnglish(),
    ],
  }).catch((error: unknown) => {
    throw new ImagesError(
      'BUNDLE_FAILED',
      `${each.entry} cannot be bundled: ${firstLines(error)}`,
      {
        cause: error,
      },
    )
  })
  const files = Object.keys(result.metafile.inputs)
    // What the plugins below make up has a colon in its name.
    .filter((file) => !file.includes(':'))
    .map((file) => join(repositoryRoot, file))
  const inputs = await Promise.all([...new Set([...files, ...assets])].map(describe))
  // A file that changed while it was read is bundled again next time.
  return inputs.map((input) => (input.mtimeMs >= started ? { ...input, mtimeMs: 0 } : input))
}

/**
 * Sources read files that lie beside them by `new URL('../prices', import.meta.url)`. A bundle lies elsewhere, so the
 * files are copied to `assets/` beside it, under their path in the checkout, and the expression points there.
 */
function filesByUrl(outDir: string, assets: Set<string>): Plugin {
  return {
    name: 'files-by-url',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        if (!source.includes('import.meta.url')) return null
        const copies: Promise<void>[] = []
        const contents = source.replace(
          /new URL\(\s*(['"`])(\.[^'"`$]*)\1,\s*import\.meta\.url,?\s*\)/g,
          (expression, _quote, target: string) => {
            const file = assetAt(path, target)
            if (!existsSync(file)) return expression
            for (const each of filesOf(file)) assets.add(each)
            const place = `assets/${relative(repositoryRoot, file)}`
            copies.push(copyAsset(file, join(outDir, place)))
            return `new URL('./${place}${target.endsWith('/') ? '/' : ''}', import.meta.url)`
          },
        )
        await Promise.all(copies)
        return { contents, loader: 'ts' }
      })
    },
  }
}

/**
 * Of the Kubernetes client only the reading of kubeconfigs goes into a bundle. The rest of it, hundreds of generated
 * classes that have to be run to be there, would cost every process 15 MiB. Importing anything else of it is an error
 * of the bundle.
 */
function kubeConfigOnly(): Plugin {
  const dist = join(repositoryRoot, 'node_modules/@kubernetes/client-node/dist')
  return {
    name: KUBECONFIG_ONLY,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^@kubernetes\/client-node$/ }, () => ({ path: join(dist, 'config.js') }))
      onResolve({ filter: /\/gen\/index\.js$/ }, ({ importer }) =>
        dirname(importer) === dist ? { path: 'gen', namespace: KUBECONFIG_ONLY } : undefined,
      )
      onLoad({ filter: /.*/, namespace: KUBECONFIG_ONLY }, () => ({
        // Named by KubeConfig.makeApiClient, which nobody calls.
        contents: 'export const createConfiguration = undefined, ServerConfiguration = undefined',
      }))
    },
  }
}

/**
 * Of undici only what sends requests over a pool goes into a bundle: not its fetch, WebSocket, caches and mocks, which
 * cost every process time to load and memory to keep. Importing anything else of it is an error of the bundle.
 */
function dispatchersOnly(): Plugin {
  return {
    name: DISPATCHERS_ONLY,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: DISPATCHERS_ONLY }))
      onResolve({ filter: /^node:http2$/ }, ({ importer }) =>
        importer.includes('/undici/') ? { path: 'http2', namespace: DISPATCHERS_ONLY } : undefined,
      )
      onLoad({ filter: /^http2$/, namespace: DISPATCHERS_ONLY }, () => ({
        // What undici falls back to on a Node without HTTP/2, which no pool of ours asks for.
        contents: 'module.exports = { constants: {} }',
      }))
      onLoad({ filter: /^undici$/, namespace: DISPATCHERS_ONLY }, () => ({
        contents: `
          import api from 'undici/lib/api/index.js'
          import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
          Object.assign(Dispatcher.prototype, api)
          export { default as Agent } from 'undici/lib/dispatcher/agent.js'
          export { default as Pool } from 'undici/lib/dispatcher/pool.js'
          export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js'`,
        resolveDir: repositoryRoot,
      }))
    },
  }
}

/**
 * Whoever imports `node:http` as a module gets all that it exports, for which Node loads its own fetch and WebSocket.
 * Taken as an object, it has them loaded by nobody.
 */
function httpAlone(): Plugin {
  return {
    name: HTTP_ALONE,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
        kind === 'import-statement' ? { path: 'http', namespace: HTTP_ALONE } : undefined,
      )
      onLoad({ filter: /.*/, namespace: HTTP_ALONE }, () => ({
        contents: `
          const http = process.getBuiltinModule('node:http')
          export default http
          export const { ${HTTP_EXPORTS.join(', ')} } = http`,
      }))
    },
  }
}

/** zod says what is wrong in English, and brings fifty other languages that nobody asks it for. */
function inEnglish(): Plugin {
  return {
    name: IN_ENGLISH,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\/locales\/index\.js$/ }, ({ importer }) =>
        importer.includes('/zod/') ? { path: 'locales', namespace: IN_ENGLISH } : undefined,
      )
      onLoad({ filter: /.*/, namespace: IN_ENGLISH }, () => ({ contents: 'export {}' }))
    },
  }
}

/**
 * The file or folder that `new URL(target, import.meta.url)` in a source stands for, which may not be there.
 * @throws ImagesError BUNDLE_FAILED where that holds the checkout or what is installed: hundreds of megabytes
 */
export function assetAt(source: string, target: string): string {
  const file = resolve(dirname(source), target)
  const holdsCheckout = !relative(file, repositoryRoot).startsWith('..')
  const holdsPackages = basename(file) === 'node_modules' || existsSync(join(file, 'node_modules'))
  if (holdsCheckout || holdsPackages) {
    const whole = holdsCheckout ? 'the whole checkout' : 'installed packages'
    throw new ImagesError(
      'BUNDLE_FAILED',
      `${relative(repositoryRoot, source)}: new URL('${target}', import.meta.url) would copy ${whole} into the bundle; name what is read of it, or take import.meta.dirname`,
    )
  }
  return file
}

function filesOf(file: string): string[] {
  if (!statSync(file).isDirectory()) return [file]
  return readdirSync(file, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

async function copyAsset(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await cp(from, to, { recursive: true })
}

function firstLines(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n').slice(0, 8).join('\n')
}
