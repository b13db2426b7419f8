import { describe, expect, it, jest } from '@jest/globals'
import { pino } from 'pino'
import { StoreError } from './errors.ts'
import { type MeterApi, meterHttp } from './http.ts'

const now = Date.UTC(2026, 10, 21, 12)

function api(over: Partial<MeterApi> = {}) {
  const report = jest.fn<MeterApi['report']>(async () => ({ rows: [] }) as never)
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
    for (const path of ['/report', '/summary', '/load']) {
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
    expect(report).toHaveBeenCalledWith({ from: now - 7_200_000, to: now - 3_600_000 }, [
      'tenant',
      'room',
    ])
    await get('/report', 'the-token')
    expect(report).toHaveBeenLastCalledWith({ from: now - 86_400_000, to: now }, ['room'])
  })

  it.each([
    ['/report?by=rooms', 400, 'REPORT_BY'],
    ['/report?window=soon', 400, 'REPORT_WINDOW'],
    ['/report?windw=1h', 400, 'REPORT_QUERY'],
    ['/report?by=room&by=tenant', 400, 'REPORT_QUERY'],
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
})
