import type { Reaction } from '@parley/protocol'

export type Float = {
  key: number
  from: string
  reaction: Reaction /** Where it rises, 0 to 1. */
  at: number
}
export type ReactionState = { floats: readonly Float[] }

export const initialReactions: ReactionState = { floats: [] }
