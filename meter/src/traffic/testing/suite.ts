import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { TrafficBatch, TrafficRow } from '@parley/protocol'
import { dayMs, hourMs } from '@parley/relay-cost'
import fc from 'fast-check'
import type { Store } from '../../store/store.ts'

export const start = Date.UTC(2026, 10, 21, 10)
export const kept = { hourlyMs: 35 * dayMs, dailyMs: 397 * dayMs }

export const row = (over: Partial<TrafficRow> = {}): TrafficRow => ({
  ...{ protocol: 'http', name: '/api/rooms/:room/join', method: 'POST', status: '200' },
  ...{ count: 1, bytesIn: 10, bytesOut: 100, latency: '200:1', ...over },
})
export const batch = (seq: number, over: Partial<TrafficBatch> = {}): TrafficBatch => ({
  ...{ source: 'source-a', seq, at: start, rows: [row()], ...over },
})

/** What both databases must do with traffic. @param open makes a new store of no rows, and opens it again */
export function trafficSuite(make: () => () => Promise<Store>): void {
  describe('traffic', () => {
    let open: () => Promise<Store>
    let stores: Store[]
    beforeEach(() => {
      open = make()
      stores = []
    })
    afterEach(() => Promise.all(stores.map((store) => store.close())))
    const bookOf = async () => {
      const store = await open()
      stores.push(store)
      const [book] = await store.books()
      if (!book) throw new Error('no book')
      return book.traffic
    }
    const window = { from: start - 30 * dayMs, to: start + 30 * dayMs }

    it('REQ-H2: batches that come again, in any parts and however often, count once', async () => {
      const book = await bookOf()
      let runs = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { minLength: 1, maxLength: 6 }),
          async (spans) => {
            runs += 1
            const source = `source-${runs}-of-the-test`
            const name = `/run/${runs}`
            const all = Array.from({ length: 12 }, (_, index) =>
              batch(index + 1, {
                source,
                at: start + index * 20 * 60_000,
                rows: [row({ name, count: index + 1, latency: `${index}:${index + 1}` })],
              }),
            )
            // In order, but from further back again and again, as a server sends after Redis was away.
            for (const [from, length] of spans) {
              const stored = (await book.lastOf([source])).get(source) ?? 0
              const first = Math.min(from, stored)
              await book.add(all.slice(first, first + length), start + dayMs, kept)
            }
            await book.add(all, start + dayMs, kept)
            for (const table of ['metrics_hourly', 'metrics_daily'] as const) {
              const cells = (await book.cells(table, 'http', window)).filter((c) => c.name === name)
              expect(cells.reduce((sum, { count }) => sum + count, 0)).toBe(78)
              expect(cells.reduce((sum, { bytesOut }) => sum + bytesOut, 0)).toBe(1200)
              const buckets = cells.flatMap(({ latency }) => [...latency.values()])
              expect(buckets.reduce((sum, count) => sum + count, 0)).toBe(78)
            }
          },
        ),
        { numRuns: 20 },
      )
    })

    it('REQ-H3: hours and days of both protocols, apart by what they are, are there again when it is opened', async () => {
      const book = await bookOf()
      const rows = [
        row(),
        row({ status: '503' }),
        row({ protocol: 'webrtc', name: 'acme/weekly', method: 'relay', status: 'poor' }),
      ]
      const later = batch(2, { at: start + 3 * hourMs, rows })
      const stored = await book.add([batch(1, { rows }), later], start + 4 * hourMs, kept)
      expect(stored).toMatchObject({ counted: 2, duplicates: 0, skewed: 0 })
      const again = await bookOf()
      expect(await again.lastOf(['source-a', 'nobody'])).toEqual(new Map([['source-a', 2]]))
      expect(await again.cells('metrics_hourly', 'http', window)).toHaveLength(4)
      expect(await again.cells('metrics_daily', 'webrtc', window)).toEqual([
        {
          ...{ at: Date.UTC(2026, 10, 21), protocol: 'webrtc', name: 'acme/weekly' },
          ...{ method: 'relay', status: 'poor', count: 2, bytesIn: 20, bytesOut: 200 },
          latency: new Map([[200, 2]]),
        },
      ])
    })

    it('a clock that is far off moves what it counted to now, and that is counted', async () => {
      const book = await bookOf()
      const rows = [row({ count: 7 })]
      const ahead = batch(1, { at: start + 400 * dayMs, rows })
      const behind = batch(2, { at: 0, rows })
      expect((await book.add([ahead, behind], start, kept)).skewed).toBe(14)
      const cells = await book.cells('metrics_hourly', 'http', { from: 0, to: start + 500 * dayMs })
      expect(cells).toMatchObject([{ at: start, count: 14 }])
    })

    it('REQ-H3: hours go before days, and days go at last', async () => {
      const book = await bookOf()
      const resolved = { openedAt: start, resolvedAt: start + 60_000, limitKbps: 1, peakKbps: 2 }
      const open = { ...resolved, openedAt: start + 1, resolvedAt: 0 }
      await book.add([batch(1)], start, kept)
      await book.putAlerts([
        { protocol: 'http', direction: 'out', ...resolved },
        { protocol: 'webrtc', direction: 'in', ...open },
      ])
      const all = { from: 0, to: start + dayMs }
      const left = async (now: number) => {
        await book.forget(now, kept)
        return [
          (await book.cells('metrics_hourly', 'http', all)).length,
          (await book.cells('metrics_daily', 'http', all)).length,
          (await book.alerts(10)).length,
        ]
      }
      expect(await left(start + 34 * dayMs)).toEqual([1, 1, 2])
      expect(await left(start + 36 * dayMs)).toEqual([0, 1, 2])
      expect(await left(start + 398 * dayMs)).toEqual([0, 0, 1])
      expect(await book.alerts(10)).toEqual([{ protocol: 'webrtc', direction: 'in', ...open }])
    })
  })
}
