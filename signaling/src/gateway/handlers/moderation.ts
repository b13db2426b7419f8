import { moderationMuteSchema, moderationRemoveSchema, roomLockSchema } from '@parley/protocol'
import { z } from 'zod'
import { SignalingError } from '../../errors.ts'
import type { Handlers, MeetingSocket, Meetings } from '../types.ts'

/** What hosts and admins do for the peace of a room. */
export function moderationHandlers({
  seats,
}: Meetings): Handlers<'moderation:mute' | 'moderation:remove' | 'room:lock' | 'room:end'> {
  const refuse = (socket: MeetingSocket): never => {
    seats.of(socket)
    throw new SignalingError('forbidden', 'only a host may do that')
  }
  return {
    'moderation:mute': { schema: moderationMuteSchema, handle: async (socket) => refuse(socket) },
    'moderation:remove': {
      schema: moderationRemoveSchema,
      handle: async (socket) => refuse(socket),
    },
    'room:lock': { schema: roomLockSchema, handle: async (socket) => refuse(socket) },
    'room:end': { schema: z.strictObject({}), handle: async (socket) => refuse(socket) },
  }
}
