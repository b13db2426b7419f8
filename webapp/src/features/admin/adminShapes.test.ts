import { describe, expect, it } from '@jest/globals'
import {
  adminCostsSchema,
  adminHistorySchema,
  adminTokenResponseSchema,
  qualityLabels,
  relayReasonSchema,
  trafficLiveSchema,
  trafficSeriesSchema,
} from '@parley/protocol'
import fc from 'fast-check'
import { read, type Shape } from '../../shape.ts'
import {
  adminCosts,
  adminHistory,
  adminTokenResponse,
  trafficLive,
  trafficSeries,
} from './adminShapes.ts'

const word = fc.stringMatching(/^[a-z]{1,8}$/)
const whole = fc.integer({ min: 0, max: 1e9 })
const amount = fc.double({ min: 0, max: 1e9, noNaN: true })
const known = fc.option(amount)
const time = fc
  .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
  .map((date) => date.toISOString())
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const measures = {
  ...{ count: whole, errors: whole, bytesIn: whole, bytesOut: whole },
  ...{ p50Ms: known, p95Ms: known, p99Ms: known },
}
const protocol = fc.constantFrom('http', 'webrtc')
const timed = fc.array(fc.record({ time, ...measures }), { maxLength: 3 })
const minute = fc.record({
  ...{ at: whole, up: amount, down: amount, rtt: known, loss: known, mos: known },
  ...{ quality: fc.constantFrom(...qualityLabels), relayed: amount },
})
const link = fc.record({
  peer: fc.option(word),
  relayed: fc.boolean(),
  reason: optional(fc.constantFrom(...relayReasonSchema.options)),
  relayOf: optional(fc.constantFrom('self', 'peer')),
  relayProtocol: optional(fc.constantFrom('udp', 'tcp', 'tls')),
})

type Schema = { parse(value: unknown): unknown; safeParse(value: unknown): { success: boolean } }
const cases: Record<string, [Schema, Shape<unknown>, fc.Arbitrary<object>]> = {
  adminTokenResponse: [
    adminTokenResponseSchema,
    adminTokenResponse,
    fc.record({
      ...{ token: word, tenant: word, name: optional(word) },
      ...{ expiresInSeconds: fc.integer({ min: 1, max: 3600 }), ofServer: fc.boolean() },
    }),
  ],
  adminCosts: [
    adminCostsSchema,
    adminCosts,
    fc.record({ currency: word, perHour: amount, monthToDate: amount }),
  ],
  adminHistory: [
    adminHistorySchema,
    adminHistory,
    fc.record({
      minutes: fc.array(minute, { maxLength: 3 }),
      links: fc.array(link, { maxLength: 3 }),
    }),
  ],
  trafficLive: [
    trafficLiveSchema,
    trafficLive,
    fc.record({
      ...{ at: time, protocol, names: whole, minutes: timed },
      seconds: fc.integer({ min: 1, max: 3600 }),
      perSecond: fc.record({ count: amount, bytesIn: amount, bytesOut: amount }),
      total: fc.record(measures),
      statuses: fc.array(fc.record({ status: word, count: whole }), { maxLength: 3 }),
      top: fc.array(fc.record({ name: word, method: word, ...measures }), { maxLength: 3 }),
    }),
  ],
  trafficSeries: [
    trafficSeriesSchema,
    trafficSeries,
    fc.record({ from: time, to: time, protocol, rows: timed }),
  ],
}

describe('REQ-A1: what the admin page reads', () => {
  for (const [what, [schema, shape, values]] of Object.entries(cases))
    it(`is of the protocol: ${what}, and nothing that has another form`, () => {
      fc.assert(
        fc.property(
          values,
          fc.nat(),
          fc.constantFrom<unknown>({}, [], -1, Symbol()),
          (value, at, wrong) => {
            expect(shape(value)).toEqual(schema.parse(value))
            const keys = Object.keys(value)
            const off = { ...value, [keys[at % keys.length] ?? '']: wrong }
            if (!schema.safeParse(off).success) expect(read(shape, off)).toBeUndefined()
          },
        ),
        { numRuns: 300 },
      )
    })
})
