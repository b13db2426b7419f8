import { describe, expect, it } from '@jest/globals'
import { parseBy, parseWindow } from './request.ts'

const now = Date.UTC(2026, 10, 21, 12)

describe('what a report is asked for', () => {
  it('reads lengths and instants', () => {
    expect(parseWindow({}, now)).toEqual({ from: now - 86_400_000, to: now })
    expect(parseWindow({ window: '90m' }, now)).toEqual({ from: now - 5_400_000, to: now })
    expect(parseWindow({ from: '2026-11-21T10:00:00Z' }, now)).toEqual({
      from: now - 7_200_000,
      to: now,
    })
    expect(parseWindow({ to: String(now - 1000), window: undefined }, now).to).toBe(now - 1000)
  })

  it.each([
    [{ window: 'soon' }, /write it as 90m, 24h or 7d/],
    [{ window: '0h' }, /not a length/],
    [{ window: '1h', from: '2026-11-21' }, /not both/],
    [{ from: 'yesterday' }, /from "yesterday" is not an instant/],
    [{ from: '2026-11-22' }, /must be before to/],
    [{ from: '2026-11-20', to: '2099-01-01' }, /ten years at the most/],
    [{ from: '1971-01-01' }, /ten years at the most/],
  ])('refuses %j with the way to write it', (request, message) => {
    expect(() => parseWindow(request, now)).toThrow(message)
  })

  it('REQ-K5: an instant without a zone is UTC; a day is its beginning', () => {
    const from = (text: string) => parseWindow({ from: text }, now).from
    for (const text of [
      ...['2026-11-21', '2026-11-21T00:00', '2026-11-21 00:00:00', '2026-11-21T00:00:00.000Z'],
      ...['2026-11-21T05:30+05:30', '2026-11-20T19:00:00-0500', '1795219200000'],
    ])
      expect([text, from(text)]).toEqual([text, Date.UTC(2026, 10, 21)])
  })

  it.each([
    ...['05.11.2026', 'banana 21 nov 2026', 'last week 2026', '11/05/2026', '2026', ''],
    ...['2026-02-31', '2026-11-20T25:00Z', '2100-01-01', '-000001-01-01', '9999999999999'],
  ])('REQ-K5: %j is no instant', (text) => {
    const message = /not an instant from 1970 to 2099; write it as 2026-11-21T10:00:00Z/
    expect(() => parseWindow({ from: text }, now)).toThrow(message)
    expect(() => parseWindow({ to: text }, now)).toThrow(message)
  })

  it('asks whether a number of ten digits is in seconds', () => {
    expect(() => parseWindow({ from: '1795255200' }, now)).toThrow(/is it in seconds\?/)
  })

  it('reads dimensions, and lists them where one is unknown', () => {
    expect(parseBy('tenant, room')).toEqual(['tenant', 'room'])
    expect(() => parseBy('tenant,rooms')).toThrow(
      /cannot report by "rooms"; use some of tenant, room/,
    )
    expect(() => parseBy('room,room')).toThrow(/twice/)
  })
})
