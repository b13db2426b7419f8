/**
 * Writes what is made from code: `npm run generate`. With `--check` it writes nothing and fails
 * where a file is not what the code would make.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exampleFiles } from '@parley/infra'
import { openApiDocument } from '@parley/meter/openapi'
import { crdReferenceMarkdown, reportReferenceMarkdown } from '@parley/operator/api'
import { metricsMarkdown } from '@parley/protocol/metrics-markdown'
import { presetsMarkdown } from '@parley/relay-cost'
import { exampleMonthFiles } from '@parley/relay-cost/example'
import { asyncApiDocument } from '@parley/signaling/async-api'
import { openApiDocument as signalingApiDocument } from '@parley/signaling/open-api'

const root = fileURLToPath(new URL('..', import.meta.url))

const json = (document: object) => `${JSON.stringify(document, null, 2)}\n`

const generated: Record<string, () => string | Promise<string>> = {
  'docs/reference/meetingcluster.md': crdReferenceMarkdown,
  'docs/reference/relaycostreport.md': reportReferenceMarkdown,
  'docs/reference/price-presets.md': presetsMarkdown,
  'docs/metrics.md': metricsMarkdown,
  'docs/reference/meter-api.json': () => json(openApiDocument()),
  'docs/reference/signaling-api.json': () => json(signalingApiDocument()),
  'docs/reference/signaling-events.json': () => json(asyncApiDocument()),
  ...Object.fromEntries(
    Object.entries({ ...exampleMonthFiles(), ...exampleFiles() }).map(([file, text]) => [
      `docs/${file}`,
      () => text,
    ]),
  ),
}

const args = process.argv.slice(2)
if (args.length > 0 && args.join() !== '--check') {
  console.error('usage: npm run generate [-- --check]')
  process.exit(2)
}
const checkOnly = args.length > 0
const stale: string[] = []
for (const [file, make] of Object.entries(generated)) {
  const path = `${root}/${file}`
  const text = await make()
  if (checkOnly) {
    const present = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (present !== text) stale.push(file)
    continue
  }
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  console.log(`wrote ${relative(root, path)}`)
}
if (stale.length > 0) {
  console.error(`not current: ${stale.join(', ')}. Run npm run generate.`)
  process.exitCode = 1
}
