import { existsSync } from 'node:fs'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { ImagesError } from './errors.ts'
import { repositoryRoot } from './paths.ts'

/** Native add-ons that packages try to load and do without. */
const OPTIONAL_NATIVE = ['bufferutil', 'utf-8-validate', 'cpu-features']

export interface Bundle {
  /** Entry file below the checkout, for example `cli/src/main.ts`. */
  readonly entry: string
  /** Name of the result without its ending, for example `parley`. */
  readonly name: string
}

/**
 * Bundles an entry file with all that it imports into ES modules in `outDir`: `NAME.mjs`, and chunks for what is
 * imported only when used, so that a process loads no more than its own part.
 *
 * @throws ImagesError BUNDLE_FAILED with esbuild's first messages, SOURCE_MISSING
 */
export async function bundle(each: Bundle, outDir: string): Promise<void> {
  const entry = join(repositoryRoot, each.entry)
  if (!existsSync(entry)) {
    throw new ImagesError('SOURCE_MISSING', `${each.entry} is not there; is the checkout complete?`)
  }
  try {
    await build({
      entryPoints: { [each.name]: entry },
      outdir: outDir,
      outExtension: { '.js': '.mjs' },
      chunkNames: 'chunk-[name]-[hash]',
      absWorkingDir: repositoryRoot,
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      external: OPTIONAL_NATIVE,
      keepNames: true,
      legalComments: 'eof',
      logLevel: 'silent',
      // CommonJS dependencies call require; ES modules have none.
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
      plugins: [filesByUrl(outDir)],
    })
  } catch (error) {
    throw new ImagesError(
      'BUNDLE_FAILED',
      `${each.entry} cannot be bundled: ${firstLines(error)}`,
      {
        cause: error,
      },
    )
  }
}

/**
 * Sources read files that lie beside them by `new URL('../prices', import.meta.url)`. A bundle lies elsewhere, so the
 * files are copied to `assets/` beside it, under their path in the checkout, and the expression points there.
 */
function filesByUrl(outDir: string): Plugin {
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
            const file = resolve(dirname(path), target)
            if (!existsSync(file)) return expression
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

async function copyAsset(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await cp(from, to, { recursive: true })
}

function firstLines(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n').slice(0, 8).join('\n')
}
