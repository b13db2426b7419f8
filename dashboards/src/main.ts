/** `npm run dashboards -- --out DIR`: boards, their data source, rules, and promtool's tests of these. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { dashboardFiles } from './files.ts'

const usage = `usage: npm run dashboards -- --out DIR [--runbooks URL]

Writes DIR/dashboards/*.json and DIR/datasources/*.yaml for Grafana, DIR/rules/*.yaml for Prometheus, and
DIR/rules/tests/*.yaml, which "promtool test rules DIR/rules/tests/*.yaml" runs. The data source is the meter's:
Grafana takes its address and token from its own environment, PARLEY_METER_URL and PARLEY_METER_TOKEN.
  --runbooks   where the sources can be read: alerts link to URL/docs/runbooks/`

try {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      runbooks: { type: 'string', default: '' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) console.log(usage)
  else if (!values.out) throw new Error(`--out says where to write to\n${usage}`)
  else await write(values.out, values.runbooks)
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}

async function write(out: string, runbooks: string): Promise<void> {
  for (const [path, text] of dashboardFiles(runbooks)) {
    const file = join(out, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    console.log(file)
  }
}
