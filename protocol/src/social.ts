import { z } from 'zod'
import { slugSchema } from './ids.ts'
import type { Ack } from './meeting.ts'
import { chatTextMax, chatTextPatterns, reactions } from './words.ts'

/**
 * What somebody wrote: kept as it is, lines and tabs included. Refused are texts with nothing to see in them,
 * other control characters, and halves of surrogate pairs, which do not survive the way.
 */
export const chatTextSchema = z
  .string()
  .max(chatTextMax, `a message has at most ${chatTextMax} characters`)
  .regex(
    chatTextPatterns.harmless,
    'a message has no control characters but ends of lines and tabs',
  )
  .regex(chatTextPatterns.seen, 'a message has something to see in it')

/** Made by the page that writes it, at random: the same message sent again has the same one. */
export const chatIdSchema = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, 'an id of a message')

export const chatMessageSchema = z.strictObject({
  id: chatIdSchema,
  /** Server's time, epoch ms. No two messages of a room have the same, so it is their order, too. */
  at: z.number().int(),
  from: slugSchema,
  /** The writer may be gone when it is read. */
  name: z.string(),
  text: chatTextSchema,
})

export const chatSendSchema = chatMessageSchema.pick({ id: true, text: true })
export const handSetSchema = z.strictObject({ raised: z.boolean() })
export const handLowerSchema = z.strictObject({ id: slugSchema })

export const reactionSchema = z.enum(reactions)
export const reactionSendSchema = z.strictObject({ reaction: reactionSchema })

export type ChatMessage = z.infer<typeof chatMessageSchema>
export type ChatSend = z.infer<typeof chatSendSchema>
export type Reaction = z.infer<typeof reactionSchema>

/** What people do in a room beside talking. Each answer comes with who asked in the room. */
export type SocialClientEvents = {
  /**
   * Sent again with the same id, a message is not doubled: the answer is when it was first taken, and it is passed
   * on again, as it may have been lost with a server.
   */
  'chat:send': (message: ChatSend, ack: (a: Ack<{ at: number }>) => void) => void
  /** The messages that are kept, oldest first: the newest, at most {@link chatHistoryMax}. */
  'chat:history': (
    message: Record<string, never>,
    ack: (a: Ack<{ messages: ChatMessage[] }>) => void,
  ) => void
  /** One's own hand. `at`: since when it is up; a hand that is up already keeps its place. */
  'hand:set': (
    message: z.infer<typeof handSetSchema>,
    ack: (a: Ack<{ at: number | null }>) => void,
  ) => void
  /** Somebody else's, for hosts. */
  'hand:lower': (message: z.infer<typeof handLowerSchema>, ack: (a: Ack<null>) => void) => void
  'reaction:send': (
    message: z.infer<typeof reactionSendSchema>,
    ack: (a: Ack<null>) => void,
  ) => void
}

export type SocialServerEvents = {
  /** One's own messages included. The same one may come more than once, and a later one before it. */
  'chat:message': (message: ChatMessage) => void
  'participant:hand': (message: { id: string; at: number | null }) => void
  reaction: (message: { id: string; reaction: Reaction }) => void
}
