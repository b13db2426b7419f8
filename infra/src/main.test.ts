import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { execa } from 'execa'
import { exampleText } from './testing/configs.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const development = fileURLToPath(new URL('../config/development.yaml', import.meta.url))
let folder = ''
const file = (name: string) => join(folder, name)

async function infra(...args: string[]) {
  const { exitCode, stdout, stderr } = await execa('node', [main, ...args], {
    ...{
      cwd: folder,
      reject: false,
      preferLocal: true,
      localDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    env: { NO_COLOR: '1' },
  })
  return { exitCode, stdout, stderr }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-infra-test-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('npm run infra', () => {
  it('REQ-S2: synth writes the stacks of the two-region example, and says in which order they go', async () => {
    const { exitCode, stdout, stderr } = await infra('synth', '--out', 'out')
    expect({ exitCode, progress: stderr.split('\n')[0] }).toEqual({
      ...{ exitCode: 0, progress: '… bootstrap' },
    })
    expect(stdout).toMatch(/^https:\/\/meet\.example\.com, production/)
    expect(stdout).toMatch(/ {2}1 {2}bootstrap .*\n {2}2 {2}dns [\s\S]*11 {2}global/)
    expect(stdout).toMatch(/11 stacks in out\/stacks, \d+ policies kept/)
    const written = await readFile(file('out/stacks/us-east-1-data/cdk.tf.json'), 'utf8')
    expect(JSON.parse(written)).toMatchObject({ resource: { aws_db_instance: { mysql: {} } } })
  }, 60_000)

  it('says what is wrong with a file and writes nothing', async () => {
    await writeFile(file('bad.yaml'), exampleText.replace('10.17.0.0/16', '10.16.128.0/17'))
    const { exitCode, stdout, stderr } = await infra('synth', '--config', 'bad.yaml', '--out', 'no')
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toBe(
      'error: bad.yaml: regions[1].cidr: 10.16.128.0/17 overlaps 10.16.0.0/16 of eu-central-1; take another, for example 10.17.0.0/16',
    )
    await expect(readFile(file('no/stacks/dns/cdk.tf.json'))).rejects.toThrow(/ENOENT/)
  }, 60_000)

  it('REQ-S3: cost prints a price for each load, as JSON too', async () => {
    const { stdout } = await infra(
      'cost',
      '--config',
      development,
      '--users',
      '20,10000',
      '-o',
      'json',
    )
    const { costs } = JSON.parse(stdout) as { costs: { users: number; perUserHour: number }[] }
    expect(costs.map(({ users }) => users)).toEqual([20, 10_000])
    for (const { perUserHour } of costs) expect(perUserHour).toBeLessThan(0.5)
  }, 60_000)

  it('a plan that deletes data is refused, and the way on is named', async () => {
    const gone = { address: 'aws_db_instance.mysql', type: 'aws_db_instance' }
    const plan = {
      ...{ format_version: '1.2', planned_values: {} },
      resource_changes: [{ ...gone, change: { actions: ['delete'] } }],
    }
    await writeFile(file('plan.json'), JSON.stringify(plan))
    const refused = await infra('check-plan', 'plan.json')
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/aws_db_instance\.mysql\n.*apply nothing; .*--allow-data-loss/),
    })
  }, 60_000)
})
