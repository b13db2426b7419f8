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
    [{ from: '2026-11-20', to: '99999999999999' }, /ten years at the most/],
    [{ from: '1971-01-01' }, /ten years at the most/],
  ])('refuses %j with the way to write it', (request, message) => {
    expect(() => parseWindow(request, now)).toThrow(message)
  })

  it('reads dimensions, and lists them where one is unknown', () => {
    expect(parseBy('tenant, room')).toEqual(['tenant', 'room'])
    expect(() => parseBy('tenant,rooms')).toThrow(
      /cannot report by "rooms"; use some of tenant, room/,
    )
    expect(() => parseBy('room,room')).toThrow(/twice/)
  })
})
