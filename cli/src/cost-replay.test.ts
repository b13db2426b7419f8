import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { relayCostReportSchema } from '@parley/protocol'
import { runParley as parley } from './testing/run.ts'

const start = Date.UTC(2026, 10, 30, 22)

/** A gigabyte to a client in each of four hours. */
const lines = [0, 1, 2, 3].map((hour) =>
  JSON.stringify({
    t: start + hour * 3_600_000,
    channel: `turn/realm/turn-0.demo/user/1800000000:acme.standup.ada/allocation/${hour}/traffic`,
    message: 'rcvp=0, rcvb=0, sentp=1, sentb=1000000000',
  }),
)

const listOf = (perGB: number, more: readonly string[] = []) =>
  [
    `name: at ${perGB}`,
    ...['currency: USD', 'asOf: "2026-01-01"', 'gigabyte: 1e9', 'packetOverheadBytes: 0'],
    `egress: {internet: {priorUsageGB: 0, tiers: [{perGB: ${perGB}}]}}`,
    ...more,
  ].join('\n')

describe('parley cost replay, with the lists of a price file', () => {
  let folder: string
  let events: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-replay-'))
    events = join(folder, 'events.jsonl')
    await writeFile(events, lines.join('\n'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function replay(lists: readonly string[], ...more: string[]) {
    const prices = join(folder, 'prices.yaml')
    await writeFile(prices, lists.join('\n---\n'))
    const args = ['--events', events, '--prices', prices, '-o', 'json', ...more]
    return parley('cost', 'replay', ...args)
  }
  const costOf = async (...args: Parameters<typeof replay>) => {
    const { code, out, err } = await replay(...args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    return relayCostReportSchema.parse(JSON.parse(out)).totals.cost.total
  }

  it('REQ-K5: each list holds in its time', async () => {
    const lists = [listOf(1, ['validTo: 2026-12-01']), listOf(10, ['validFrom: 2026-12-01'])]
    expect(await costOf(lists)).toBe(1 + 1 + 10 + 10)
    expect(await costOf([listOf(5)])).toBe(20)
  })

  it('REQ-K5: a list that does not hold yet is refused', async () => {
    const { code, err } = await replay([listOf(1, ['validFrom: 2030-01-01'])])
    expect(code).toBe(1)
    expect(err).toMatch(/^error: no price list holds from 2026-11-30T22:00Z/)
  })

  it('REQ-K5: of lists of several regions the region is to be said; of one it is clear', async () => {
    const lists = [listOf(1, ['region: eu-west-1']), listOf(2, ['region: ap-south-1'])]
    expect(await costOf(lists, '--region', 'ap-south-1')).toBe(8)
    expect(await costOf(lists.slice(0, 1))).toBe(4)
    expect((await replay(lists)).err).toContain('say the region')
  })
})
