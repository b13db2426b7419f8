import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { type Bench, type BenchOptions, type Figure, mergeRuns } from '../bench.ts'

/** What `npm run infra -- synth` takes, from the start of its process: time and memory. */
export const infraBench: Bench = {
  name: 'infra',
  summary: 'making the stacks of ten regions, from the start of the process',
  minutes: 1,
  async run(options) {
    const runs: Figure[][] = []
    for (let run = 0; run < options.repeat; run += 1) runs.push(await measure(options))
    return mergeRuns(runs)
  },
}

const regions = [
  ...['eu-central-1', 'eu-west-1', 'eu-north-1', 'us-east-1', 'us-east-2', 'us-west-2'],
  ...['ap-south-1', 'ap-southeast-1', 'ap-northeast-1', 'sa-east-1'],
]

async function measure({ say, signal }: BenchOptions): Promise<Figure[]> {
  const started = performance.now()
  const { stdout } = await execa(
    'node',
    [fileURLToPath(new URL('./synth-process.ts', import.meta.url))],
    { input: config(), cancelSignal: signal },
  )
  const seconds = (performance.now() - started) / 1000
  const { stacks, peakMB } = JSON.parse(stdout) as { stacks: number; peakMB: number }
  say(`${stacks} stacks of ${regions.length} regions`)
  return [
    { name: 'stacks of 10 regions made', value: seconds, unit: 's', floor: { atMost: 5 } },
    { name: 'peak memory of the process', value: peakMB, unit: 'MB', floor: { atMost: 400 } },
  ]
}

/** JSON is YAML, too. */
function config(): string {
  return JSON.stringify({
    ...{ version: 1, name: 'meet', domain: 'meet.example.com', zone: 'example.com' },
    state: { bucket: 'example-state', region: 'eu-central-1' },
    regions: regions.map((region, index) => ({ region, cidr: `10.${index + 16}.0.0/16` })),
  })
}
