import { z } from 'zod'
import { slugSchema } from './ids.ts'
import { displayNameSchema } from './name.ts'
import { roles } from './words.ts'

export const roleSchema = z.enum(roles)

/** Somebody before the door of a room: without a seat, seen by hosts and admins only. */
export const knockerSchema = z.strictObject({
  id: slugSchema,
  name: displayNameSchema,
  /** Epoch milliseconds. */
  since: z.number().int(),
})
export type Knocker = z.infer<typeof knockerSchema>

const whoSchema = z.strictObject({ id: slugSchema })
export const lobbyAdmitSchema = whoSchema
export const lobbyDenySchema = whoSchema
export const moderationRemoveSchema = whoSchema
export const moderationMuteSchema = z.strictObject({
  /** Left out: everybody whom the sender may moderate, but themselves. */
  id: slugSchema.optional(),
  kind: z.enum(['audio', 'video']),
})
export const roomLockSchema = z.strictObject({ locked: z.boolean() })

/** Days are enough for an invitation to a series of meetings; more is a job for sign-in. */
export const longestInviteSeconds = 90 * 86_400

/** `POST /api/rooms/:room/invites`, with a host's token as `Authorization: Bearer`. */
export const inviteRequestSchema = z.strictObject({
  role: roleSchema.default('guest'),
  expiresInSeconds: z.int().min(60).max(longestInviteSeconds).default(86_400),
  /** The name that whoever comes by it has; they cannot choose another. */
  name: displayNameSchema.optional(),
  /** Good for one join only. */
  once: z.boolean().default(false),
})
export const inviteResponseSchema = z.strictObject({
  invite: z.string(),
  /** `/r/<room>#invite=…`: what is after `#` is in no server's log. */
  path: z.string(),
  /** Epoch seconds. */
  expiresAt: z.int(),
})
export type InviteRequest = z.infer<typeof inviteRequestSchema>
export type InviteResponse = z.infer<typeof inviteResponseSchema>

/** `GET /api/auth/config`, and part of `GET /api/config`: how to become somebody here, before joining. */
export const authConfigSchema = z.discriminatedUnion('mode', [
  z.object({
    mode: z.literal('Token'),
    /** What becomes of those who come without an invitation. */
    guests: z.enum(['Admit', 'Knock', 'Refuse']),
  }),
  z.object({
    mode: z.literal('OIDC'),
    issuer: z.url(),
    clientId: z.string(),
    /** What to ask the identity provider for, `openid` among it. */
    scope: z.string().default('openid profile'),
  }),
])
export type AuthConfig = z.infer<typeof authConfigSchema>

/** The path of an invitation's page. */
export function invitePath(room: string, invite: string): string {
  return `/r/${room}#invite=${invite}`
}
