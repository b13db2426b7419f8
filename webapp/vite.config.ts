import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { build, defineConfig, type Plugin } from 'vite'
import { supportedBrowsers } from './src/features/lobby/support.ts'

const signaling = process.env.PARLEY_SIGNALING_URL ?? 'http://127.0.0.1:8080'

/**
 * Few files: each is asked for and waited for by itself, which takes longer than to read it. A part is a module with all
 * that it imports, but for what an earlier part has.
 */
const parts = [
  { name: 'index', test: /\/src\/main\.ts$/ },
  { name: 'join', test: /\/features\/lobby\/enterEarly\.ts$/ },
  { name: 'page', test: /\/app\/page\.tsx$/ },
  { name: 'room', test: /\/features\/lobby\/RoomPage\.tsx$/ },
  { name: 'call', test: /\/features\/call\/CallPage\.tsx$/ },
  { name: 'sfu', test: /\/features\/sfu\/liveKitRoom\.ts$/ },
]

/**
 * All that every page needs is fetched with the little script that comes first, and not after it. What is only of a call, or of
 * the SFU, is named, for those who join to fetch. All of it as scripts, and not as the modules that they are: see `fetchPart`.
 */
const fetchAhead: Plugin = {
  name: 'fetch-ahead',
  transformIndexHtml: {
    order: 'post',
    handler(html, { bundle = {} }) {
      const chunks = Object.values(bundle).filter((one) => one.type === 'chunk')
      const filesOf = (module: string) => {
        const files = new Set<string>()
        const add = (chunk: (typeof chunks)[number] | undefined) => {
          // What the entry itself imports is preloaded by Vite.
          if (!chunk || chunk.isEntry || html.includes(chunk.fileName)) return
          if (files.has(chunk.fileName)) return
          files.add(chunk.fileName)
          for (const name of chunk.imports) add(chunks.find(({ fileName }) => fileName === name))
        }
        add(chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(module)))
        return [...files]
      }
      const tag = (rel: string, file: string, more = {}) => ({
        ...{ tag: 'link', injectTo: 'head' as const },
        attrs: { rel, ...more, crossorigin: true, href: `/${file}` },
      })
      const join = filesOf('/features/lobby/enterEarly.ts')
      const page = filesOf('/app/page.tsx').filter((file) => !join.includes(file))
      const isMore = (file: string) => ![...join, ...page].includes(file)
      const filesOfAll = (modules: string[]) =>
        [...new Set(modules.flatMap(filesOf))].filter(isMore)
      const call = filesOfAll(['/features/call/CallPage.tsx', '/features/lobby/RoomPage.tsx'])
      const sfu = filesOfAll(['/features/sfu/liveKitRoom.ts'])
      return [
        ...[...join, ...page].map((file) => tag('preload', file, { as: 'script' })),
        ...call.map((file) => tag('x-call', file)),
        ...sfu.map((file) => tag('x-sfu', file)),
      ]
    },
  },
}

/** The page says which browsers it is for also where none of its code can be read. */
const namedBrowsers: Plugin = {
  name: 'named-browsers',
  transformIndexHtml: (html) => html.replaceAll('%BROWSERS%', supportedBrowsers.join(', ')),
}

/** `first.ts`, in one script that waits for nothing, before all that the page has. */
const firstScript = (command: 'build' | 'serve'): Plugin => {
  let file: string | undefined
  return {
    name: 'first-script',
    async buildStart() {
      if (command === 'serve') return
      const built = await build({
        ...{ configFile: false, logLevel: 'warn' },
        build: {
          ...{ write: false, target: 'es2023', copyPublicDir: false, modulePreload: false },
          rolldownOptions: { input: 'src/first.ts', output: { format: 'iife' } },
        },
      })
      const [chunk] = [built].flat().flatMap((one) => ('output' in one ? one.output : []))
      if (chunk?.type !== 'chunk') throw new Error('src/first.ts was not built to one script')
      const hash = createHash('sha256').update(chunk.code).digest('base64url').slice(0, 8)
      file = `assets/first-${hash}.js`
      this.emitFile({ type: 'asset', fileName: file, source: chunk.code })
    },
    transformIndexHtml: {
      order: 'post',
      handler: () => [
        {
          ...{ tag: 'script', injectTo: 'head-prepend' },
          attrs: file ? { src: `/${file}` } : { type: 'module', src: '/src/first.ts' },
        },
      ],
    },
  }
}

/**
 * What React Aria's components say by themselves: of its thirty languages the page speaks English alone, and Vietnamese is not
 * one of them.
 */
const componentTexts: Plugin = {
  name: 'component-texts',
  apply: 'build',
  enforce: 'pre',
  load(id) {
    if (/\/react-aria\/dist\/private\/overlays\/intlStrings\.mjs$/.test(id))
      return `export default ${JSON.stringify({ 'en-US': { dismiss: 'Close' }, vi: { dismiss: 'Đóng' } })}`
    const other = /\/dist\/private\/intl\/(?:[a-z]+\/)?(?!en-US)[a-z]{2}-[A-Z]{2}\.mjs$/
    return other.test(id) ? 'export default undefined' : undefined
  },
}

/** Beside each text its compressed form, which the servers of the page send as it is. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  async writeBundle({ dir = '' }, bundle) {
    const texts = Object.keys(bundle).filter((name) => /\.(?:js|css|html)$/.test(name))
    const compress = async (name: string) => {
      const file = join(dir, name)
      const content = await readFile(file)
      // As nginx has it: less is in one packet either way.
      if (content.length < 1024) return
      await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: 9 }))
    }
    await Promise.all(texts.map(compress))
  },
}

export default defineConfig(({ command }) => {
  // Tests have it at `test`, for which React's larger and slower development build would be built, and kept.
  if (command === 'build') process.env.NODE_ENV = 'production'
  return {
    plugins: [react(), fetchAhead, firstScript(command), namedBrowsers, componentTexts, compressed],
    build: {
      target: 'es2023',
      // What these do not know, such as light-dark(), is written in older words.
      cssTarget: supportedBrowsers.map((name) => name.toLowerCase().replace(' ', '')),
      // No inline scripts, styles or data: URIs, so that a strict Content-Security-Policy fits.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      // Vite has code wait for the styles of its own: a page in a call would stay empty for want of those of another one.
      cssCodeSplit: false,
      rolldownOptions: {
        output: {
          // What is in a file that another page needs, too, is only run where it is imported.
          strictExecutionOrder: true,
          codeSplitting: {
            groups: parts.map((part, index) => ({ ...part, priority: parts.length - index })),
          },
        },
      },
      // The client of LiveKit alone is larger, and only rooms on the SFU load it.
      chunkSizeWarningLimit: 600,
    },
    server: {
      proxy: {
        '/api': signaling,
        '/socket.io': { target: signaling, ws: true },
      },
    },
  }
})
