import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { meterTokenHeader } from '@parley/protocol'
import { pino } from 'pino'
import { meterReader } from './meter-reader.ts'

const hour = 3_600_000
/** Half past ten, on the third of a month. */
const halfPast = Date.UTC(2026, 10, 3, 10, 30)

describe('REQ-A1: what admins are told of the meter', () => {
  let now: number
  let token: string | undefined
  let answer: () => Response
  let asked: { url: URL; token: string | null }[]
  const reader = () =>
    meterReader({
      ...{ url: 'http://meter:8090', token: () => token, now: () => now },
      log: pino({ level: 'silent' }),
    })

  beforeEach(() => {
    now = halfPast
    token = 'the token'
    asked = []
    answer = () =>
      Response.json({
        currency: 'USD',
        rows: [
          { tenant: 'acme', totalCost: 3, allocations: 4 },
          { tenant: 'other', totalCost: 100 },
          { totalCost: 1 },
        ],
      })
    jest.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
      asked.push({
        url: new URL(String(url)),
        token: new Headers(init?.headers).get(meterTokenHeader),
      })
      return answer()
    })
  })
  afterEach(() => {
    jest.restoreAllMocks()
  })

  it('has the costs of one tenant: by the hour since nine, and since the month began', async () => {
    expect(await reader().costs('acme')).toEqual({ currency: 'USD', perHour: 2, monthToDate: 3 })
    expect(asked.map(({ token }) => token)).toEqual(['the token', 'the token'])
    expect(asked.map(({ url }) => [url.pathname, url.searchParams.get('by')])).toEqual([
      ['/api/v1/report', 'tenant'],
      ['/api/v1/report', 'tenant'],
    ])
    expect(asked.map(({ url }) => Date.parse(url.searchParams.get('from') ?? ''))).toEqual([
      halfPast - 1.5 * hour,
      Date.UTC(2026, 10, 1),
    ])
    expect(await reader().costs('nobody')).toMatchObject({ perHour: 0, monthToDate: 0 })
  })

  it('asks once for everybody, and again after a while', async () => {
    const meter = reader()
    await Promise.all([meter.costs('acme'), meter.costs('other')])
    expect(asked).toHaveLength(2)
    now += 10_000
    await meter.costs('acme')
    expect(asked).toHaveLength(4)
  })

  it.each<[string, string | undefined, (() => Response) | undefined]>([
    ['there is no token yet', undefined, undefined],
    ['it is refused', 'old', () => new Response('', { status: 401 })],
    ['something else answers', 'the token', () => Response.json({ rows: 'x' })],
  ])('says so where %s, and asks again the next time', async (_, otherToken, otherAnswer) => {
    const meter = reader()
    const [usual, whole] = [token, answer]
    token = otherToken
    answer = otherAnswer ?? whole
    await expect(meter.costs('acme')).rejects.toMatchObject({ code: 'unavailable' })
    token = usual
    answer = whole
    expect(await meter.costs('acme')).toMatchObject({ perHour: 2 })
  })
})
