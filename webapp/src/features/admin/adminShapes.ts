import {
  type AdminCosts,
  type AdminHistory,
  type AdminTokenResponse,
  type KnownLink,
  type MinutePoint,
  qualityLabels,
  type RelayReason,
  type TrafficLive,
  type TrafficMeasures,
  type TrafficSeries,
} from '@parley/protocol'
import { displayName } from '../../protocolShapes.ts'
import {
  fields,
  flag,
  list,
  number,
  oneOf,
  optional,
  orNull,
  type Shape,
  text,
} from '../../shape.ts'

/** What the admin page reads of the protocol: the same as the schemas of those names, without what reads schemas. */

const whole =
  (min: number): Shape<number> =>
  (value) => {
    if (!Number.isSafeInteger(value)) throw new TypeError('not a whole number')
    return number(min)(value)
  }
const count = whole(0)
const amount = number(0)

export const adminTokenResponse: Shape<AdminTokenResponse> = fields({
  token: text(),
  tenant: text(),
  name: optional(displayName),
  expiresInSeconds: whole(1),
  ofServer: flag,
})

export const adminCosts: Shape<AdminCosts> = fields({
  currency: text(),
  perHour: amount,
  monthToDate: amount,
})

const minutePoint: Shape<MinutePoint> = fields({
  at: whole(Number.MIN_SAFE_INTEGER),
  up: number(),
  down: number(),
  rtt: orNull(number()),
  loss: orNull(number()),
  mos: orNull(number()),
  quality: oneOf(qualityLabels),
  relayed: number(),
})

const reasons = ['udp-blocked', 'symmetric-nat', 'policy', 'unknown'] as const
const knownLink: Shape<KnownLink> = fields({
  peer: orNull(text()),
  relayed: flag,
  reason: optional<RelayReason>(oneOf(reasons)),
  relayOf: optional(oneOf(['self', 'peer'])),
  relayProtocol: optional(oneOf(['udp', 'tcp', 'tls'])),
})

export const adminHistory: Shape<AdminHistory> = fields({
  minutes: list(minutePoint),
  links: list(knownLink),
})

const ms = orNull(amount)
const measures = {
  ...{ count, errors: count, bytesIn: count, bytesOut: count },
  ...{ p50Ms: ms, p95Ms: ms, p99Ms: ms },
}
const protocol = oneOf(['http', 'webrtc'] as const)
const span = { from: text(), to: text(), protocol }
const timed = list(fields({ time: text(), ...measures }))

export const trafficLive: Shape<TrafficLive> = fields({
  ...{ at: text(), protocol, seconds: amount, names: count, minutes: timed },
  perSecond: fields({ count: amount, bytesIn: amount, bytesOut: amount }),
  total: fields(measures) satisfies Shape<TrafficMeasures>,
  statuses: list(fields({ status: text(), count })),
  top: list(fields({ name: text(), method: text(), ...measures })),
})

export const trafficSeries: Shape<TrafficSeries> = fields({ ...span, rows: timed })
