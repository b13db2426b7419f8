import { describe, expect, it, jest } from '@jest/globals'
import {
  bandwidthAlertsSchema,
  trafficLiveSchema,
  trafficPageSchema,
  trafficSeriesSchema,
} from '@parley/protocol'
import { pino } from 'pino'
import { pageSchema, seriesSchema } from './api-v1.ts'
import { StoreError } from './errors.ts'
import { type MeterApi, meterHttp } from './http.ts'
import { TrafficApi } from './traffic/api.ts'

const now = Date.UTC(2026, 10, 21, 12)

function api(over: Partial<MeterApi> = {}) {
  const report = jest.fn<MeterApi['report']>(async () => ({ rows: [], window: {} }) as never)
  const app = meterHttp({
    token: 'the-token',
    now: () => now,
    troubles: () => ({}),
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'm 1\n' }),
    report,
    summary: async () => ({
      allocations: 1,
      users: 1,
      currency: 'USD',
      costPerHour: 0,
      monthToDate: 0,
    }),
    load: () => ({ at: now, pods: {} }),
    logger: pino({ level: 'silent' }),
    ...over,
  })
  const get = (url: string, token?: string) =>
    app.inject({ url, ...(token === undefined ? {} : { headers: { 'x-parley-token': token } }) })
  return { get, report }
}

describe('the meter’s HTTP', () => {
  it('REQ-K5: reports want the token; probes and metrics do not', async () => {
    const { get } = api()
    for (const path of ['/report', '/summary', '/load', '/api/v1/rooms', '/api/v1/summary']) {
      for (const token of [undefined, '', 'wrong', 'the-token-and-more'])
        expect((await get(path, token)).statusCode).toBe(401)
      expect((await get(path, 'the-token')).statusCode).toBe(200)
    }
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect((await get(path)).statusCode).toBe(200)
  })

  it('REQ-K5: a report is of the window and the dimensions that were asked for', async () => {
    const { get, report } = api()
    await get(
      '/report?from=2026-11-21T10:00:00Z&to=2026-11-21T11:00:00Z&by=tenant,room',
      'the-token',
    )
    const window = { from: now - 7_200_000, to: now - 3_600_000 }
    expect(report).toHaveBeenCalledWith(window, ['tenant', 'room'], false)
    await get('/report?advice=true', 'the-token')
    expect(report).toHaveBeenLastCalledWith({ from: now - 86_400_000, to: now }, ['room'], true)
    await get('/report', 'the-token')
    expect(report).toHaveBeenLastCalledWith({ from: now - 86_400_000, to: now }, ['room'], false)
  })

  it.each([
    ['/report?by=rooms', 400, 'REPORT_BY'],
    ['/report?window=soon', 400, 'REPORT_WINDOW'],
    ['/report?windw=1h', 400, 'REPORT_QUERY'],
    ['/report?by=room&by=tenant', 400, 'REPORT_QUERY'],
    ['/api/v1/report?limit=-1', 400, 'REPORT_QUERY'],
    ['/api/v1/report?limit=20000', 400, 'REPORT_PAGE'],
    ['/api/v1/rooms?by=room', 400, 'REPORT_QUERY'],
    ['/api/v1/series?step=minute', 400, 'REPORT_QUERY'],
    ['/report?from=05.11.2026', 400, 'REPORT_WINDOW'],
    ['/report?limit=', 400, 'REPORT_QUERY'],
    ['/report?limit=1e2', 400, 'REPORT_QUERY'],
    ['/report?limit=100001', 400, 'REPORT_QUERY'],
    ['/%ff', 400, 'REQUEST'],
    ['/nothing', 404, 'NOT_FOUND'],
  ])('%s is answered with %i %s', async (url, status, code) => {
    const response = await api().get(url, 'the-token')
    expect(response.statusCode).toBe(status)
    expect(response.json()).toMatchObject({ error: { code, message: expect.any(String) } })
  })

  it('is not ready while something keeps it from its work, and says what', async () => {
    const response = await api({ troubles: () => ({ store: 'disk full' }) }).get('/readyz')
    expect(response.statusCode).toBe(503)
    expect(response.json()).toEqual({ ok: false, troubles: { store: 'disk full' } })
  })

  it('a store that cannot be read is said, with the fix', async () => {
    const error = new StoreError('STORE_READ', 'cannot read the store mysql://db:3306/parley')
    const response = await api({ report: () => Promise.reject(error) }).get('/report', 'the-token')
    expect(response.statusCode).toBe(503)
    expect(response.json()).toEqual({ error: { code: 'STORE_READ', message: error.message } })
  })

  it('a fault inside does not show its details', async () => {
    const failing = api({ summary: () => Promise.reject(new Error('secret detail')) })
    const response = await failing.get('/summary', 'the-token')
    expect(response.statusCode).toBe(500)
    expect(response.body).not.toContain('secret detail')
  })

  it('REQ-K5: flat rows in pages, of one report for as long as somebody turns them', async () => {
    const row = (room: string, total: number) => ({
      key: { room },
      ...{ allocations: 1, relayedSeconds: 60, unattributedBytes: 0 },
      bytes: { clientToTurn: 1, turnToClient: 2, turnToPeer: 3, peerToTurn: 4, billable: 5 },
      cost: { egress: total, nodes: 0, idle: 0, total },
    })
    const made = {
      window: { from: '2026-11-21T00:00:00.000Z', to: '2026-11-21T12:00:00.000Z' },
      ...{ currency: 'USD', rows: [row('a', 3), row('b', 2), row('c', 1)] },
    }
    const report = jest.fn<MeterApi['report']>(async () => made as never)
    const { get } = api({ report })
    const page = async (query: string) =>
      pageSchema.parse((await get(`/api/v1/report?${query}`, 'the-token')).json())
    const first = await page('by=room&window=12h&limit=2')
    expect(first).toMatchObject({ total: 3, offset: 0, limit: 2, currency: 'USD' })
    expect(first.rows.map(({ room }) => room)).toEqual(['a', 'b'])
    expect(first.rows[0]).toEqual({
      ...{ room: 'a', allocations: 1, relayedSeconds: 60, unattributedBytes: 0 },
      ...{ clientToTurnBytes: 1, turnToClientBytes: 2, turnToPeerBytes: 3, peerToTurnBytes: 4 },
      ...{ billableBytes: 5, egressCost: 3, nodesCost: 0, idleCost: 0, totalCost: 3 },
    })
    const second = await page('by=room&window=12h&limit=2&offset=2')
    expect(second.rows.map(({ room }) => room)).toEqual(['c'])
    expect(report).toHaveBeenCalledTimes(1)
    await get('/api/v1/rooms?window=12h', 'the-token')
    expect(report).toHaveBeenLastCalledWith(expect.anything(), ['tenant', 'room'])
  })

  it('REQ-A4: rows of some tenants, whatever they are by', async () => {
    const row = (tenant: string, reason: string, total: number) => ({
      key: { reason, tenant },
      ...{ allocations: 1, relayedSeconds: 0.1, unattributedBytes: 0 },
      bytes: { clientToTurn: 1, turnToClient: 2, turnToPeer: 3, peerToTurn: 4, billable: 5 },
      cost: { egress: total, nodes: 0, idle: 0, total },
    })
    const rows = [row('a', 'policy', 0.1), row('b', 'policy', 0.2), row('b', 'udp-blocked', 0.25)]
    const all = [...rows, row('c', 'policy', 9)]
    const report = jest.fn<MeterApi['report']>(
      async () => ({ window: {}, currency: 'USD', rows: all }) as never,
    )
    const { get } = api({ report })
    const page = async (query: string) => {
      const answer = (await get(`/api/v1/report?${query}`, 'the-token')).json()
      return answer.rows.map((each: Record<string, unknown>) => [
        ...[each.tenant, each.reason, each.totalCost, each.relayedSeconds, each.allocations],
      ])
    }
    expect(await page('by=reason&tenant=a,b')).toEqual([
      [undefined, 'policy', 0.3, 0.2, 2],
      [undefined, 'udp-blocked', 0.25, 0.1, 1],
    ])
    expect(report).toHaveBeenLastCalledWith(expect.anything(), ['reason', 'tenant'])
    expect(await page('by=tenant,reason&tenant=c')).toEqual([['c', 'policy', 9, 0.1, 1]])
    expect(await page('by=reason&tenant=nobody')).toEqual([])
    for (const everybody of ['*', ''])
      expect(await page(`by=reason&tenant=${everybody}`)).toHaveLength(all.length)
    expect(report).toHaveBeenLastCalledWith(expect.anything(), ['reason'])
  })

  it('REQ-K5: a report that was made before the clock was set back is not given for as long', async () => {
    let time = now
    const report = jest.fn<MeterApi['report']>(
      async () => ({ rows: [], currency: 'USD', window: {} }) as never,
    )
    const { get } = api({ report, now: () => time })
    const window = 'from=2026-11-21T00:00:00Z&to=2026-11-21T06:00:00Z'
    const ask = () => get(`/api/v1/report?by=room&${window}`, 'the-token')
    await ask()
    await ask()
    expect(report).toHaveBeenCalledTimes(1)
    time -= 3_600_000
    await ask()
    expect(report).toHaveBeenCalledTimes(2)
  })

  it('REQ-K5: a series is in order of time', async () => {
    const row = (hour: string) => ({
      key: { hour },
      ...{ allocations: 1, relayedSeconds: 60, unattributedBytes: 0 },
      bytes: { clientToTurn: 1, turnToClient: 2, turnToPeer: 3, peerToTurn: 4, billable: 5 },
      cost: { egress: 1, nodes: 0, idle: 0, total: 1 },
    })
    const made = {
      window: { from: '2026-11-21T00:00:00.000Z', to: '2026-11-21T12:00:00.000Z' },
      ...{ currency: 'USD', rows: [row('2026-11-21T11:00Z'), row('2026-11-21T10:00Z')] },
    }
    const { get } = api({ report: async () => made as never })
    const series = seriesSchema.parse((await get('/api/v1/series?step=hour', 'the-token')).json())
    expect(series.rows.map(({ time }) => time)).toEqual([
      '2026-11-21T10:00:00.000Z',
      '2026-11-21T11:00:00.000Z',
    ])
  })

  it('REQ-H6: with the rollup turned off, what servers did is not known, and the message says how to', async () => {
    for (const path of ['', '/series', '/live', '/alerts']) {
      const { get } = api()
      expect((await get(`/api/v1/traffic${path}`)).statusCode).toBe(401)
      const response = await get(`/api/v1/traffic${path}`, 'the-token')
      expect(response.statusCode).toBe(503)
      expect(response.json()).toMatchObject({ error: { code: 'METRICS_OFF' } })
    }
  })

  it('REQ-A2: answers about traffic are those that their schemas describe', async () => {
    const cell = {
      ...{
        at: now - 3_600_000,
        protocol: 'http' as const,
        name: '/api/x',
        method: 'GET',
        status: '500',
      },
      ...{ count: 2, bytesIn: 1, bytesOut: 3, latency: new Map([[200, 2]]) },
    }
    const alert = {
      ...{ protocol: 'http' as const, direction: 'in' as const, openedAt: now, resolvedAt: 0 },
      ...{ limitKbps: 1500, peakKbps: 2000 },
    }
    const book = { cells: async () => [cell], alerts: async () => [alert] }
    const fields = { 'n\thttp\tGET\t200\t/api/x': '5', 'b200\thttp\tGET\t200\t/api/x': '5' }
    const traffic = new TrafficApi({
      queue: { live: async (minutes) => new Map(minutes.map((minute) => [minute, fields])) },
      book: async () => book as never,
      ...{ now: () => now, liveMs: 300_000 },
    })
    const { get } = api({ traffic })
    const json = async (path: string) => (await get(`/api/v1/traffic${path}`, 'the-token')).json()
    const page = trafficPageSchema.parse(await json('?window=1h&limit=1'))
    expect(page).toMatchObject({ total: 1, rows: [{ name: '/api/x', count: 2, errors: 2 }] })
    const series = trafficSeriesSchema.parse(await json('/series?window=1h'))
    expect(series.rows.map(({ count }) => count)).toEqual([2])
    const live = trafficLiveSchema.parse(await json('/live'))
    expect(live).toMatchObject({ total: { count: 25, errors: 0 }, names: 1 })
    expect(bandwidthAlertsSchema.parse(await json('/alerts')).alerts).toMatchObject([
      { resolvedAt: null, limitMbps: 1.5, peakMbps: 2 },
    ])
    for (const wrong of ['?limit=20000', '?protocol=ftp', '/series?from=1970-01-01&step=hour'])
      expect((await get(`/api/v1/traffic${wrong}`, 'the-token')).statusCode).toBe(400)
  })

  it('REQ-K5: every path of the document is served, and no query that it does not name', async () => {
    const { get } = api()
    const document = (await get('/openapi.json')).json() as {
      openapi: string
      paths: Record<string, { get: { parameters: { name: string }[]; security?: object[] } }>
    }
    expect(document.openapi).toBe('3.1.0')
    for (const [path, { get: operation }] of Object.entries(document.paths)) {
      expect((await get(path)).statusCode).toBe(operation.security ? 401 : 200)
      if (!operation.security) continue
      const refused = await get(`${path}?nonsense=1`, 'the-token')
      if (operation.parameters.length > 0) expect(refused.statusCode).toBe(400)
    }
  })
})
