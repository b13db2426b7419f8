import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { PricesError, presetPrices } from '@parley/relay-cost'
import { buildReport } from '@parley/relay-cost/testing'
import { ReportFiles } from './report-files.ts'

const hour = 3_600_000
const start = Date.UTC(2026, 10, 21, 8)
const prices = presetPrices('aws/eu-central-1')

describe('report files', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-reports-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const filesOf = (intervalMs: number, asked: string[] = []) =>
    new ReportFiles({ folder: join(folder, 'made'), intervalMs }, async (window) => {
      asked.push(new Date(window.from).toISOString())
      return buildReport({ allocations: [], window, prices })
    })

  it('REQ-K5: writes each period once it is settled, as JSON and FOCUS, and what was missed', async () => {
    const asked: string[] = []
    const files = filesOf(hour, asked)
    expect(await files.write(start + 1, start + hour + 60_000)).toEqual({ written: [] })
    expect((await files.write(start + 1, start + 2 * hour + 400_000)).written).toEqual([
      '2026-11-21T08Z_2026-11-21T09Z.json',
      '2026-11-21T08Z_2026-11-21T09Z.focus.csv',
      '2026-11-21T09Z_2026-11-21T10Z.json',
      '2026-11-21T09Z_2026-11-21T10Z.focus.csv',
    ])
    const report = JSON.parse(
      readFileSync(join(folder, 'made', '2026-11-21T08Z_2026-11-21T09Z.json'), 'utf8'),
    )
    expect(report.window).toEqual({
      from: '2026-11-21T08:00:00.000Z',
      to: '2026-11-21T09:00:00.000Z',
    })
    // Another process finds them there.
    expect(await filesOf(hour, asked).write(start + 1, start + 2 * hour + 400_000)).toEqual({
      written: [],
    })
    expect(asked).toHaveLength(2)
  })

  it('REQ-K5: what a killed meter left half written is not taken for a report', async () => {
    const files = filesOf(24 * hour)
    const now = start + 48 * hour
    await files.write(start, now)
    const names = readdirSync(join(folder, 'made'))
    expect(names).toHaveLength(4)
    rmSync(join(folder, 'made', names[0] ?? ''))
    writeFileSync(join(folder, 'made', `${names[0]}.part`), 'half')
    expect(await files.write(start, now)).toEqual({ written: [names[0]] })
    expect(readdirSync(join(folder, 'made'))).toEqual(names)
  })

  it('REQ-K5: a store in which nothing is yet has no periods', async () => {
    expect(await filesOf(hour).write(undefined, start)).toEqual({ written: [] })
  })

  it('REQ-K5: a period without prices is said, and keeps none of the later ones from being written', async () => {
    const unpriced = new PricesError('PRICES_MISSING', 'no prices for then')
    const failing = (error: Error) =>
      new ReportFiles({ folder: join(folder, 'made'), intervalMs: hour }, async (window) => {
        if (window.from === start) throw error
        return buildReport({ allocations: [], window, prices })
      })
    const until = start + 2 * hour + 400_000
    expect(await failing(unpriced).write(start, until)).toEqual({
      written: ['2026-11-21T09Z_2026-11-21T10Z.json', '2026-11-21T09Z_2026-11-21T10Z.focus.csv'],
      unpriced,
    })
    await expect(failing(new Error('the store is away')).write(start, until)).rejects.toThrow(
      'the store is away',
    )
  })
})
