import { ReportRequestError } from './errors.ts'
import { formatMoney } from './format.ts'
import { priceEgress } from './prices/cost.ts'
import { meterRules } from './prices/meters.ts'
import type { Prices } from './prices/prices.ts'

/** Hours of an average month. */
export const hoursPerMonth = 730

export type Bitrates = {
  /** What a relayed user receives, all streams together. */
  downKbps: number
  /** What a relayed user sends, all streams together. */
  upKbps: number
  /** Mean payload of a packet, for header bytes. */
  packetBytes: number
}

/** A four-person mesh call at 640×360: three streams each way of 600 kbps with audio. */
const defaultBitrates: Bitrates = { downKbps: 1800, upKbps: 1800, packetBytes: 1000 }

export type WhatIfRequest = {
  /** Users in calls at the same time, all month round. */
  users: number
  /** Of those, the share whose media is relayed: 0 to 1. */
  relayShare: number
  currency?: string
  bitrates?: Partial<Bitrates>
} & ({ flatRate: number; prices?: undefined } | { prices: Prices; flatRate?: undefined })

export type WhatIf = {
  currency: string
  perHour: number
  perMonth: number
  breakdown: {
    relayedUsers: number
    hoursPerMonth: number
  } & (
    | { basis: 'flat-rate'; perRelayedUserHour: number }
    | {
        basis: 'prices'
        prices: string
        billableBytesPerHour: number
        perRelayedUserHour: number
      }
  )
}

/**
 * What a scenario costs an hour and a month. With a flat rate (REQ-A3): users × share × rate. With
 * prices: each relayed user's downstream leaves once to the user, and the upstream once to a peer
 * unless that peer is relayed too (probability `relayShare`), headers added, at the month's tiers.
 * Nodes are not in it.
 * @throws {ReportRequestError} `WHAT_IF`
 */
export function whatIf(request: WhatIfRequest): WhatIf {
  const { users, relayShare, flatRate, prices } = request
  const need = (ok: boolean, message: string) => {
    if (!ok) throw new ReportRequestError('WHAT_IF', message)
  }
  need(Number.isFinite(users) && users >= 0, 'users must be a number of 0 or more')
  need(relayShare >= 0 && relayShare <= 1, 'relay share must be from 0 to 1, as 0.2 for 20 %')
  const relayedUsers = users * relayShare
  if (flatRate !== undefined) {
    need(Number.isFinite(flatRate) && flatRate >= 0, 'flat rate must be a number of 0 or more')
    const perHour = relayedUsers * flatRate
    return {
      currency: request.currency ?? 'USD',
      perHour: rounded(perHour),
      perMonth: rounded(perHour * hoursPerMonth),
      breakdown: { relayedUsers, hoursPerMonth, basis: 'flat-rate', perRelayedUserHour: flatRate },
    }
  }
  const bitrates = { ...defaultBitrates, ...request.bitrates }
  need(
    bitrates.downKbps >= 0 && bitrates.upKbps >= 0 && bitrates.packetBytes > 0,
    'bitrates must be 0 or more, and packets larger than 0',
  )
  const bytesPerHour = relayedUsers * billablePerUserHour(bitrates, relayShare, prices)
  const perMonth = priceEgress(bytesPerHour * hoursPerMonth, prices)
  const perHour = perMonth / hoursPerMonth
  return {
    currency: prices.currency,
    perHour: rounded(perHour),
    perMonth: rounded(perMonth),
    breakdown: {
      relayedUsers,
      hoursPerMonth,
      basis: 'prices',
      prices: prices.name,
      billableBytesPerHour: Math.round(bytesPerHour),
      perRelayedUserHour: relayedUsers > 0 ? rounded(perHour / relayedUsers) : 0,
    },
  }
}

function billablePerUserHour(bitrates: Bitrates, relayShare: number, prices: Prices): number {
  const withHeaders = 1 + prices.packetOverheadBytes / bitrates.packetBytes
  const bytesPerHour = (kbps: number) => ((kbps * 1000) / 8) * 3600 * withHeaders
  const { toClient, fromClient, toPeerOutside } = meterRules[prices.meter]
  return (
    bytesPerHour(bitrates.downKbps) * toClient +
    bytesPerHour(bitrates.upKbps) * (fromClient + toPeerOutside * (1 - relayShare))
  )
}

function rounded(money: number): number {
  return Math.round(money * 1e6) / 1e6
}

/** A scenario's cost as a few lines for people, or as JSON. */
export function renderWhatIf(result: WhatIf, format: 'table' | 'json'): string {
  if (format === 'json') return `${JSON.stringify(result, null, 2)}\n`
  const { currency, perHour, perMonth, breakdown } = result
  const basis =
    breakdown.basis === 'flat-rate'
      ? `flat rate ${breakdown.perRelayedUserHour} ${currency} per relayed user and hour`
      : `prices ${breakdown.prices}, ${(breakdown.billableBytesPerHour / 1e9).toFixed(2)} GB billable an hour`
  return [
    `relayed users  ${breakdown.relayedUsers}`,
    `basis          ${basis}`,
    `per hour       ${formatMoney(perHour)} ${currency}`,
    `per month      ${formatMoney(perMonth)} ${currency}  (${breakdown.hoursPerMonth} hours)`,
    '',
  ].join('\n')
}
