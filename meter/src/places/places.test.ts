import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, jest } from '@jest/globals'
import { addTraffic, hourMs, presetPrices, type Traffic } from '@parley/relay-cost'
import { reported } from '../reasons/testing/suite.ts'
import { reportFrom } from '../report.ts'
import { openStore } from '../store/open.ts'
import { start } from '../store/testing/suite.ts'
import { storeReport } from '../store-report.ts'
import { Usage } from '../usage.ts'
import { factsFrom } from './facts.ts'
import { readMediaPods } from './pods-file.ts'
import { onPodA, podsSuite, turnPod } from './testing/suite.ts'

jest.setTimeout(30_000)

describe('pods in SQLite', () => {
  podsSuite(() => () => openStore('sqlite::memory:'))
})

describe('what nodes cost', () => {
  const list = presetPrices('aws/eu-central-1')
  const pricesOf = () => () => ({ prices: list, until: Number.POSITIVE_INFINITY })
  const opened = async () => {
    const store = await openStore('sqlite::memory:')
    const [book] = await store.books()
    if (!book) throw new Error('no book')
    const usage = new Usage(
      store,
      factsFrom(() => start + 24 * hourMs, 'eu-central-1'),
    )
    const report = (by: ('room' | 'zone')[]) =>
      reportFrom([{ usage, pricesOf }], {
        ...{ window: { from: start, to: start + 24 * hourMs }, by },
        ...{ asOf: start + 2 * hourMs, open: 0 },
      })
    return { store, book, report }
  }

  it('REQ-K5: is in the report, what was idle in a row of its own, with the zone of what was relayed', async () => {
    const { store, book, report } = await opened()
    await store.merge([onPodA()])
    expect((await report(['room'])).notes).toContain(
      'Node hours are not known here: the cost is egress alone.',
    )
    await book.pods.put([turnPod()], start + 2 * hourMs)
    const { totals, rows, notes } = await report(['zone'])
    const twoHours = 2 * (list.nodes.perHour + list.nodes.publicIPv4PerHour)
    expect(totals.cost.nodes + totals.cost.idle).toBeCloseTo(twoHours, 5)
    expect(rows.map(({ key }) => key.zone)).toEqual(['(idle)', 'eu-1a'])
    expect(notes.filter((note) => /[Nn]ode/.test(note))).toEqual([])
    await store.close()
  })

  it('REQ-K5: says since when nodes are known, and of which type they are if not of that of the prices', async () => {
    const { store, book, report } = await opened()
    await store.merge([onPodA()])
    const late = turnPod({ from: start + hourMs, instanceType: 'm5.large' })
    await book.pods.put([late], start + 2 * hourMs)
    const { notes } = await report(['room'])
    expect(notes).toContain('Node hours are known from 2026-11-21T01:00Z on.')
    expect(notes).toContain(
      'Nodes of type m5.large are priced as c6i.large, which is what the price list has; give a list with their price.',
    )
    await store.close()
  })

  it('REQ-K5: what goes to an SFU in another zone is charged as crossing zones', async () => {
    const { store, book } = await opened()
    const hours = new Map(
      [...onPodA().hours].map(([hour, traffic]) => [
        hour,
        addTraffic(traffic, { turnToPeerBytes: 100, peerToTurnBytes: 30 }),
      ]),
    )
    await store.merge([{ ...onPodA(), hours }])
    const toSfu = reported()
    const selected = { local: 'relay' as const, remote: 'host' as const }
    await book.links.merge([{ ...toSfu, report: { ...toSfu.report, peer: null, selected } }])
    const usage = new Usage(
      store,
      factsFrom(() => start + 24 * hourMs, 'eu-central-1'),
    )
    const crossing = async () =>
      (await usage.sums({ from: start, to: start + hourMs }, [], start + 2 * hourMs)).map(
        ({ insideBytes, crossZoneBytes, crossZoneInBytes }) => [
          ...[insideBytes, crossZoneBytes, crossZoneInBytes],
        ],
      )
    expect(await crossing()).toEqual([[100, 0, 0]])
    const sfu = (zone: string) => turnPod({ pod: `sfu-${zone}`, component: 'sfu', zone })
    await book.pods.put([turnPod(), sfu('eu-1b')], start + hourMs)
    expect(await crossing()).toEqual([[0, 100, 30]])
    const more = [...hours].map(([hour, traffic]) => [hour, { ...traffic, turnToPeerBytes: 5e11 }])
    await store.merge([{ ...onPodA(), hours: new Map(more as [number, Traffic][]) }])
    const { advice } = await storeReport(store, {
      ...{ window: { from: start, to: start + 24 * hourMs }, by: ['room'], advice: true },
      ...{ asOf: start + 24 * hourMs, pricesOf, region: 'eu-central-1' },
    })
    const told = advice?.filter(({ kind }) => kind === 'nearer-turn')
    expect(told?.map(({ subject }) => subject)).toEqual(['eu-central-1'])
    // Of two, which of them has the room nobody says: the nearest.
    await book.pods.put([turnPod(), sfu('eu-1b'), sfu('eu-1a')], start + hourMs)
    expect(await crossing()).toEqual([[5e11, 0, 0]])
    await store.close()
  })
})

describe('the file of the operator', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-pods-'))
  const path = join(folder, 'pods.json')

  it('REQ-K5: is read as it is now; what is wrong with it is said', async () => {
    try {
      await expect(readMediaPods(path, start)).rejects.toThrow(/ENOENT.*not known until/)
      writeFileSync(path, '{"turnMbps": 400, "pods": [{"pod": "x"}]}')
      await expect(readMediaPods(path, start)).rejects.toMatchObject({ code: 'METER_PODS' })
      const since = '2026-11-21T00:00:00Z'
      const pod = { pod: 'demo-turn-x', component: 'turn', node: 'n1', since, zone: 'eu-1a' }
      // No store could keep it.
      writeFileSync(path, JSON.stringify({ turnMbps: 1e308, pods: [pod] }))
      await expect(readMediaPods(path, start)).rejects.toThrow(/turnMbps/)
      writeFileSync(path, JSON.stringify({ turnMbps: 400, pods: [pod] }))
      expect(await readMediaPods(path, start + 5)).toEqual([
        turnPod({ pod: 'demo-turn-x', instanceType: '', to: start + 5 }),
      ])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
