import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type RelayCostReport, relayCostReportSchema } from '@parley/protocol'
import fc from 'fast-check'
import { runParley as parley } from './testing/run.ts'

const demoYaml = fileURLToPath(new URL('../../examples/demo.yaml', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A recorded stream: two allocations of two people in a room, closed with totals. */
function recordedStream(): string[] {
  return ['ada', 'grace'].flatMap((who, index) => {
    const id = `00000000000000000${index + 1}`
    const channel = `turn/realm/turn-0.demo/user/1800000000:acme.standup.${who}/allocation/${id}`
    const line = (seconds: number, topic: string, message: string) =>
      JSON.stringify({
        t: 1_790_000_000_000 + seconds * 1000,
        channel: `${channel}/${topic}`,
        message,
      })
    return [
      line(
        0,
        'status',
        'new lifetime=600, type=UDP, local=10.0.0.1:3478, remote=10.0.0.9:5000, ssl=NONE, cipher=NONE',
      ),
      line(20, 'traffic', `rcvp=2048, rcvb=${1_000_000 + index}, sentp=2048, sentb=2000000`),
      line(20, 'traffic/peer', 'rcvp=2048, rcvb=1990000, sentp=2048, sentb=990000'),
      line(40, 'status', 'deleted'),
      line(40, 'total_traffic', `rcvp=3000, rcvb=${1_500_000 + index}, sentp=3000, sentb=3000000`),
      line(40, 'total_traffic/peer', 'rcvp=3000, rcvb=2985000, sentp=3000, sentb=1485000'),
    ]
  })
}

async function replay(lines: readonly string[]): Promise<{ report: RelayCostReport; err: string }> {
  const file = join(folder, 'events.jsonl')
  await writeFile(file, lines.join('\n'))
  const { code, out, err } = await parley(
    'cost',
    'replay',
    '--events',
    file,
    '--prices',
    'aws/eu-central-1',
    '--by',
    'tenant,room,participant',
    '-o',
    'json',
  )
  expect(code).toBe(0)
  return { report: relayCostReportSchema.parse(JSON.parse(out)), err }
}

describe('input that cannot be used', () => {
  it.each([
    ['an alias that names nothing', 'kind: *nowhere', 'is not YAML: Unresolved alias'],
    ['an unknown tag', 'kind: !!js/function "1"', 'is not YAML: Unresolved tag'],
    ['one broken document of several', 'kind: MeetingCluster\n---\n[\n', 'is not YAML: Flow'],
  ])('%s is named in one line', async (_, yaml, message) => {
    const file = join(folder, 'broken.yaml')
    await writeFile(file, yaml)
    const { code, out, err } = await parley('render', '-f', file)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(`error: ${file} ${message}`)
    expect(err.trim().split('\n')).toHaveLength(1)
  })

  it('a recorded stream of which nothing can be counted fails', async () => {
    const file = join(folder, 'nothing.jsonl')
    await writeFile(file, 'hello\n')
    const args = ['--events', file, '--prices', 'aws/eu-central-1']
    const { code, out, err } = await parley('cost', 'replay', ...args)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain(`${file}:1: not JSON`)
    expect(err).toContain('has no event that can be counted')
  })

  const kubeconfigOf = (server: string) =>
    `{clusters: [{name: c, cluster: {server: "${server}"}}], contexts: [{name: x, context: {cluster: c}}], current-context: x}`
  it.each([
    ['', 'cannot be read'],
    ['a: [', 'cannot be read'],
    ['{clusters: []}', 'has no current cluster'],
    [kubeconfigOf('not a url'), 'names a server that is no URL'],
    [kubeconfigOf('http://127.0.0.1:1'), 'has credentials that cannot be used'],
  ])('the kubeconfig %j is named with what to do', async (text, reason) => {
    const file = join(folder, 'kubeconfig')
    await writeFile(file, text)
    const { code, err } = await parley('status', '--kubeconfig', file)
    expect(code).toBe(1)
    expect(err).toContain(`${file} ${reason}`)
    expect(err).toContain('pass --kubeconfig FILE or set KUBECONFIG')
    expect(err.trim().split('\n')).toHaveLength(1)
  })

  it('an API server that does not answer is said with what to look at', async () => {
    const file = join(folder, 'kubeconfig')
    await writeFile(file, kubeconfigOf('https://127.0.0.1:1'))
    const { code, err } = await parley('status', '--kubeconfig', file)
    expect(code).toBe(1)
    expect(err).toMatch(/no answer from the API server \(.*\); is the cluster up/)
  })

  it('a report makes no store where there is none', async () => {
    const file = join(folder, 'none', 'meter.db')
    const { code, err } = await parley('cost', 'report', '--store', `sqlite:${file}`)
    expect({ code, err }).toEqual({
      code: 2,
      err: `error: there is no store ${file}; give the file that the meter writes\n`,
    })
    expect(existsSync(join(folder, 'none'))).toBe(false)
  })

  it('the password in the URL of an unknown store is not repeated', async () => {
    const { code, err } = await parley('cost', 'report', '--store', 'redis://u:hunter2@db/x')
    expect(code).toBe(1)
    expect(err).toContain('a store of the kind "redis" is not known')
    expect(err).not.toContain('hunter2')
  })
})

describe('parley', () => {
  it('an unknown command or flag is named, with what was meant, and exits 2', async () => {
    const command = await parley('cots')
    expect(command.code).toBe(2)
    expect(command.err).toMatch(/unknown command 'cots'[\s\S]*Did you mean cost\?/)
    const flag = await parley('cost', 'report', '--clutser', 'a/b')
    expect(flag.code).toBe(2)
    expect(flag.err).toMatch(/unknown option '--clutser'[\s\S]*--cluster/)
  })

  it('--help teaches with examples, for parley and for each command', async () => {
    expect((await parley('--help')).out).toMatch(/Examples:[\s\S]*parley cost report/)
    for (const args of [
      ['install'],
      ['render'],
      ['status'],
      ['doctor'],
      ['cost', 'report'],
      ['cost', 'replay'],
      ['cost', 'what-if'],
      ['manager'],
      ['meter'],
    ]) {
      const { code, out } = await parley(...args, '--help')
      expect(code).toBe(0)
      expect(out).toMatch(/Example/)
    }
  })

  it('install takes the images of this version where nothing else is said', async () => {
    const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
    const { out } = await parley('install')
    expect(out).toContain(`image: localhost/parley-node:${version}\n`)
  })

  it('cost report refuses what has no answer as a wrong call, and names the fix', async () => {
    const cluster = ['cost', 'report', '--cluster', 'meetings/demo']
    const store = ['cost', 'report', '--store', `sqlite:${join(folder, 'meter.db')}`]
    for (const [args, fix] of [
      [[...cluster, '--prices', 'aws/us-east-1'], /--prices goes with --store/],
      [[...cluster, '--by', 'colour'], /use some of tenant, room/],
      [[...cluster, '--window', '1y'], /write it as 90m, 24h or 7d/],
      [['cost', 'report', '--cluster', 'demo'], /NAMESPACE\/NAME/],
      [[...cluster, ...store.slice(2)], /not both/],
    ] as const)
      expect(await parley(...args)).toMatchObject({ code: 2, err: expect.stringMatching(fix) })
  })

  it('the name of something that every object has is no price preset', async () => {
    const events = join(folder, 'none.jsonl')
    await writeFile(events, '')
    const args = ['cost', 'replay', '--events', events, '--prices', 'constructor']
    expect(await parley(...args)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/no preset of that name; presets: .*aws\/eu-central-1/),
    })
  })

  it('what-if has one price list, and says how others are set beside it', async () => {
    const lists = ['--prices', 'aws/us-east-1', '--prices', 'aws/eu-central-1']
    const args = ['cost', 'what-if', '--users', '1', '--relay-share', '0.1', ...lists]
    expect(await parley(...args)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--compare/),
    })
  })

  it('cost report without a source says which there are', async () => {
    const { code, err } = await parley('cost', 'report')
    expect(code).toBe(2)
    expect(err).toMatch(/--cluster NAMESPACE\/NAME, or --store URL/)
  })

  it('REQ-A3: what-if of 100 users at 0, 20 and 50 % relayed is 0, 1.00 and 2.50 an hour', async () => {
    for (const [share, perHour] of [
      ['0', 0],
      ['0.2', 1],
      ['0.5', 2.5],
    ] as const) {
      const { out } = await parley(
        'cost',
        'what-if',
        '--users',
        '100',
        '--relay-share',
        share,
        '--flat-rate',
        '0.05',
        '-o',
        'json',
      )
      expect(JSON.parse(out)).toMatchObject({ currency: 'USD', perHour })
    }
  })
})

describe('parley render', () => {
  it('needs no cluster and prints the same bytes from run to run', async () => {
    const first = await parley('render', '-f', demoYaml)
    expect(first.code).toBe(0)
    expect(first.out).toMatch(/kind: Deployment/)
    expect((await parley('render', '-f', demoYaml)).out).toBe(first.out)
  })

  it('refuses a misspelt field, a broken rule and a file without a MeetingCluster, by name', async () => {
    const file = join(folder, 'bad.yaml')
    const head = 'apiVersion: parley.dev/v1alpha1\nkind: MeetingCluster\nmetadata: {name: a}\n'
    await writeFile(file, `${head}spec: {domain: a.example.com, region: eu, turn: {relayPort: 1}}`)
    expect(await parley('render', '-f', file)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/spec\.turn.*relayPort/),
    })
    await writeFile(
      file,
      `${head}spec: {domain: a.example.com, region: eu, turn: {relayPorts: {min: 45000, max: 65535}}}`,
    )
    expect((await parley('render', '-f', file)).err).toMatch(/sfu\.ports|relayPorts/)
    await writeFile(file, 'kind: ConfigMap')
    expect((await parley('render', '-f', file)).err).toMatch(/has no MeetingCluster/)
    expect((await parley('render', '-f', join(folder, 'none.yaml'))).err).toMatch(
      /there is no file/,
    )
  })
})

describe('parley cost replay', () => {
  it('REQ-K5: every line twice and in any order gives the same report', async () => {
    const plain = (await replay(recordedStream())).report
    expect(plain.totals.bytes.clientToTurn).toBe(3_000_001)
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...recordedStream(), ...recordedStream()], { minLength: 24 }),
        async (lines) => {
          expect((await replay(lines)).report).toEqual(plain)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('REQ-K5: a pipe is read once, so that all of it is counted, in order or not', async () => {
    const [first = '', ...rest] = recordedStream()
    const many = Array.from({ length: 600 }, (_, index) =>
      first
        .replace(/000000000000000001/, String(1000 + index).padStart(18, '0'))
        .replace('000,', '007,'),
    )
    const lines = [...rest, ...many, first]
    const { report } = await replay(lines)
    expect(report.totals.allocations).toBe(602)
    const pipe = join(folder, 'pipe')
    execFileSync('sh', ['-c', 'mkfifo "$0"', pipe])
    const file = join(folder, 'events.jsonl')
    // Who reads it a second time finds nothing, and does not wait.
    const writer = spawn('sh', ['-c', 'cat "$0" > "$1"; while :; do : > "$1"; done', file, pipe])
    try {
      const by = ['--by', 'tenant,room,participant', '-o', 'json']
      const prices = ['--prices', 'aws/eu-central-1']
      const { out, err } = await parley('cost', 'replay', '--events', pipe, ...prices, ...by)
      expect(err).toBe('')
      expect(JSON.parse(out)).toEqual(report)
    } finally {
      writer.kill()
    }
  })

  it('a broken line is named by its number and the rest is counted', async () => {
    const lines = recordedStream()
    const { report, err } = await replay([lines[0] ?? '', '{"t": 1, "channel"', ...lines.slice(1)])
    expect(err).toMatch(/events\.jsonl:2: /)
    expect(report.totals).toEqual((await replay(lines)).report.totals)
  })

  it('a price file with a hole or disorder in its tiers is refused, and the tier is named', async () => {
    const prices = join(folder, 'prices.yaml')
    const events = join(folder, 'events.jsonl')
    await writeFile(events, recordedStream().join('\n'))
    for (const tiers of [
      '[{upToGB: 100, perGB: 0.09}, {upToGB: 50, perGB: 0.08}, {perGB: 0.05}]',
      '[{perGB: 0.09}, {upToGB: 50, perGB: 0.08}]',
      '[{upToGB: 100, perGB: 0.09}]',
    ]) {
      await writeFile(
        prices,
        `currency: USD\nasOf: "2026-01-01"\ngigabyte: 1e9\negress: {internet: {priorUsageGB: 0, tiers: ${tiers}}}\n`,
      )
      const { code, err } = await parley('cost', 'replay', '--events', events, '--prices', prices)
      expect(code).toBe(1)
      expect(err).toMatch(/tier/)
    }
  })
})
