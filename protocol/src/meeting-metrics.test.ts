import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type LiveUser, type MeetingAlert, meetingMetricsSchema } from './meeting-metrics.ts'
import { summarizeMeeting } from './meeting-summary.ts'

const metrics = {
  ...{ up: 900, down: 2100, rtt: 40, min: 35, max: 45, loss: 0.1, jitter: 3, links: 2, relayed: 1 },
  ...{ tx: 1000, rx: 2000, back: 0 },
}
const full = { n: 1, full: true, ...metrics } as const
const accepts = (message: unknown) => meetingMetricsSchema.safeParse(message).success

describe('what a page may say', () => {
  it('REQ-G1: a full sample, and deltas with or without the meeting', () => {
    expect(accepts({ meetingId: 'daily', metrics: full, timestamp: 1_800_000_000_000 })).toBe(true)
    expect(accepts({ metrics: { n: 2, up: 10 } })).toBe(true)
    expect(accepts({ metrics: { n: 3 } })).toBe(true)
    // What is not measured is said to be unknown.
    expect(accepts({ metrics: { ...full, rtt: null, min: null, max: null, loss: null } })).toBe(
      true,
    )
  })

  it('REQ-G1: NaN, negative, absurd and huge values are refused, and so is what nobody knows', () => {
    const numbers = Object.keys(metrics)
    const bad = fc.constantFrom<unknown>(
      ...[Number.NaN, Number.POSITIVE_INFINITY, -1, -0.001, 1e15, Number.MAX_VALUE],
      ...['12', [], {}, true, 'x'.repeat(1000)],
    )
    fc.assert(
      fc.property(fc.constantFrom(...numbers), bad, (field, value) => {
        expect(accepts({ metrics: { n: 2, [field]: value } })).toBe(false)
        expect(accepts({ metrics: { ...full, [field]: value } })).toBe(false)
      }),
    )
    expect(accepts({ metrics: { up: 10 } })).toBe(false)
    expect(accepts({ metrics: { n: 1, full: true, up: 10 } })).toBe(false)
    expect(accepts({ metrics: { n: 2, surprise: 1 } })).toBe(false)
    expect(accepts({ metrics: { n: 2 }, timestamp: Number.NaN })).toBe(false)
    expect(accepts({ metrics: { n: 2 }, meetingId: '../etc' })).toBe(false)
  })
})

describe('how much a page may say', () => {
  it.each([
    ['up', 10_000_000],
    ['down', 10_000_000],
    ['rtt', 60_000],
    ['min', 60_000],
    ['max', 60_000],
    ['jitter', 60_000],
    ['loss', 100],
    ['links', 1000],
    ['relayed', 1000],
    ['tx', 1e12],
    ['rx', 1e12],
    ['back', 1e6],
  ])('REQ-G1: of %s %d at most', (field, most) => {
    for (const event of [{ n: 2 }, full]) {
      expect(accepts({ metrics: { ...event, [field]: most } })).toBe(true)
      expect(accepts({ metrics: { ...event, [field]: most + 1 } })).toBe(false)
    }
  })
})

describe('a meeting in figures', () => {
  const user = (
    userId: string,
    more: Partial<LiveUser['metrics']>,
    score: number | null,
  ): LiveUser => ({
    ...{ meetingId: 'daily', userId, quality: 'good', mos: 4, score, at: 0 },
    metrics: { ...metrics, ...more },
  })
  const alert = (userId: string, severity: MeetingAlert['severity']): MeetingAlert => ({
    ...{ id: `${userId}/x`, meetingId: 'daily', userId, kind: 'loss', severity, state: 'open' },
    ...{ since: 0, at: 0, value: 6, cost: false },
  })

  it('REQ-M3: totals, averages over those of whom something is known, and who has issues', () => {
    const users = [
      user('a', { up: 100, down: 300, relayed: 0 }, 90),
      user('b', { up: 100, down: 100, relayed: 1 }, 70),
      user('c', { up: 0, down: 0, links: 0, relayed: 0 }, null),
    ]
    const alerts = [alert('a', 'warning'), alert('a', 'critical'), alert('b', 'info')]
    expect(summarizeMeeting(users, alerts)).toEqual({
      ...{ participants: 3, active: 2, totalKbps: 600, averageKbps: 200, averageScore: 80 },
      ...{ withIssues: 1, onRelay: 1, openAlerts: 3 },
    })
  })

  it('REQ-M3: of nobody nothing is NaN', () => {
    expect(summarizeMeeting([], [])).toMatchObject({ averageKbps: 0, averageScore: null })
  })
})
