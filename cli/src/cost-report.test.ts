import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openStore } from '@parley/meter'
import { relayCostReportSchema } from '@parley/protocol'
import { hourMs, hourOf, noTraffic, noUsage, type UsageCell } from '@parley/relay-cost'
import { runParley as parley } from './testing/run.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-report-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A meter's store: an hour that is rolled up, and the one that is not yet. */
async function storeOf(region: string): Promise<string> {
  const url = `sqlite:${join(folder, `${region}.db`)}`
  const store = await openStore(url)
  const now = hourOf(Date.now())
  const before = now - 2 * hourMs
  const relayed = (id: string, at: number) => ({
    ...{ realm: 'pod-a.demo', username: '4000000000:acme.r1.p-1', id, remote: 'c:1' },
    ...{ transport: 'udp' as const, openedAt: at, lastSeenAt: at, aliveAt: at },
    ...{ expiresAt: at, closedAt: at },
    hours: new Map([[at, { ...noTraffic(), turnToClientBytes: 1e9 }]]),
  })
  await store.merge([relayed('1', before), relayed('2', now)])
  const [book] = await store.books()
  await book?.setRegion(region)
  const cell: UsageCell = {
    ...noUsage(),
    ...{ hour: before, tenant: 'acme', room: 'r1', participant: 'p-1', realm: 'pod-a.demo' },
    ...{ region, zone: '', transport: 'udp', reason: 'unknown' },
    ...{ allocations: 1, turnToClientBytes: 1e9 },
  }
  await book?.putHour({ hour: before, changes: 1 }, [cell])
  await store.close()
  return url
}

const report = async (...args: string[]) => {
  const { code, out, err } = await parley('cost', 'report', ...args, '-o', 'json')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return relayCostReportSchema.parse(JSON.parse(out))
}

describe('parley cost report --store', () => {
  it('REQ-K5: has one region, the one that its meter said, and its prices', async () => {
    const store = ['--store', await storeOf('eu-west-1'), '--by', 'region']
    const { rows, prices } = await report(...store)
    expect(rows.map(({ key, bytes }) => [key.region, bytes.turnToClient])).toEqual([
      ['eu-west-1', 2e9],
    ])
    expect(prices.name).toBe('aws/eu-west-1')
  })

  it('REQ-K5: says so where the region has no preset; one that was asked for is an error', async () => {
    const store = ['--store', await storeOf('moon-1')]
    const { prices, notes } = await report(...store)
    expect(prices.name).toBe('aws/us-east-1')
    expect(notes).toContainEqual(
      'There is no preset aws/moon-1: region moon-1 is priced by aws/us-east-1; --prices takes others.',
    )
    expect((await report(...store, '--region', 'eu-west-1')).notes.join()).not.toMatch(/no preset/)
    const own = await report(...store, '--region', 'moon-1', '--prices', 'gcp/europe-west3')
    expect(own.notes.join()).not.toMatch(/no preset/)
    expect(await parley('cost', 'report', ...store, '--region', 'nowhere')).toMatchObject({
      ...{ code: 2, out: '' },
      err: expect.stringMatching(
        /there is no preset aws\/nowhere; say by which prices, with --prices/,
      ),
    })
  })

  it('REQ-K5: takes the price list of the region, and says which is missing', async () => {
    const store = ['--store', await storeOf('eu-north-1'), '--by', 'region']
    const file = join(folder, 'prices.yaml')
    const list = (region: string, perGB: number) =>
      `name: of-${region}\nregion: ${region}\ncurrency: USD\nasOf: 2026-11-01\ngigabyte: 1e9\npacketOverheadBytes: 0\negress: {internet: {priorUsageGB: 0, tiers: [{perGB: ${perGB}}]}}\n`
    await writeFile(file, `${list('eu-north-1', 0.5)}---\n${list('eu-south-1', 7)}`)
    const { totals, prices } = await report(...store, '--prices', file)
    expect([prices.name, totals.cost.egress]).toEqual(['of-eu-north-1', 1])
    const other = await report(...store, '--prices', file, '--region', 'eu-south-1')
    expect(other.prices.name).toBe('of-eu-south-1')
    expect(
      await parley('cost', 'report', ...store, '--prices', file, '--region', 'mars'),
    ).toMatchObject({ code: 1, err: expect.stringMatching(/no price list is for region mars/) })
    expect(await parley('cost', 'report', '--cluster', 'a/b', '--region', 'mars')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--region goes with --store/),
    })
  })
})

describe('--help', () => {
  it('says which options are required, and the one default of price lists', async () => {
    const help = async (...command: string[]) =>
      (await parley(...command, '--help')).out.replace(/\s+/g, ' ')
    const whatIf = await help('cost', 'what-if')
    expect(whatIf).toMatch(/--users <n> concurrent users \(required\)/)
    expect(whatIf.match(/\(required\)/g)).toHaveLength(2)
    expect(await help('cost', 'report')).toMatch(/default: aws\/ and the region, or aws\/us-east-1/)
    expect(await help('plan')).toMatch(/--prices .*\(default: \["aws\/us-east-1"\]\)/)
  })
})
