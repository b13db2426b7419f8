import { z } from 'zod'
import { relayReasonSchema } from './link-report.ts'
import { displayNameSchema } from './name.ts'
import { qualityLabels } from './quality.ts'

/** The path of the admin page, by a link: what is after `#` is in no server's log. */
export function adminPath(link: string): string {
  return `/admin#link=${link}`
}

/** `POST /api/admin/token`: to be an admin without a seat in a room. One of the two has to say so. */
export const adminTokenRequestSchema = z.strictObject({
  /** A link to the admin page, as `parley admin` makes it. */
  link: z.string().max(4096).optional(),
  /** Who signed in at the identity provider, as in a join request. */
  idToken: z.string().max(8192).optional(),
  nonce: z.string().min(16).max(256).optional(),
})
export const adminTokenResponseSchema = z.object({
  /** For `/meeting-metrics`, and as `Authorization: Bearer` for `/api/admin/…`. */
  token: z.string(),
  /** Of its meetings they see how they are, and of no other's. */
  tenant: z.string(),
  name: displayNameSchema.optional(),
  /** By then a new one has to be asked for. */
  expiresInSeconds: z.int().positive(),
  /** The tenant is the server's own: whoever runs the server sees its requests, too. */
  ofServer: z.boolean(),
})
export type AdminTokenRequest = z.infer<typeof adminTokenRequestSchema>
export type AdminTokenResponse = z.infer<typeof adminTokenResponseSchema>

const money = z.number().nonnegative()

/** `GET /api/admin/costs`: what relaying costs the admin's tenant, as the meter has it. */
export const adminCostsSchema = z.object({
  currency: z.string(),
  /** On average since the full hour before this one began. */
  perHour: money,
  /** Since the calendar month (UTC) began. */
  monthToDate: money,
})
export type AdminCosts = z.infer<typeof adminCostsSchema>

/** One minute of somebody's call. */
export const minutePointSchema = z.object({
  /** Epoch ms at which it ends. */
  at: z.int(),
  /** kbit/s on average. */
  up: z.number(),
  down: z.number(),
  rtt: z.number().nullable(),
  loss: z.number().nullable(),
  mos: z.number().nullable(),
  quality: z.enum(qualityLabels),
  /** Part of the minute with a relay, 0–1. */
  relayed: z.number(),
})
export type MinutePoint = z.infer<typeof minutePointSchema>

/** A connection of somebody, as their page reported it last. */
export const knownLinkSchema = z.object({
  /** Null: the SFU. */
  peer: z.string().nullable(),
  relayed: z.boolean(),
  /** Of a relayed one: why, and whose relay it is. */
  reason: relayReasonSchema.optional(),
  relayOf: z.enum(['self', 'peer']).optional(),
  relayProtocol: z.enum(['udp', 'tcp', 'tls']).optional(),
})
export type KnownLink = z.infer<typeof knownLinkSchema>

/** The answer to `admin:history`: the last hour of a participant, the oldest minute first. */
export const adminHistorySchema = z.object({
  minutes: z.array(minutePointSchema),
  links: z.array(knownLinkSchema),
})
export type AdminHistory = z.infer<typeof adminHistorySchema>
