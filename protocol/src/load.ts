import { z } from 'zod'

/**
 * What each TURN pod relays now: the answer of the meter's `GET /load`, which autoscaling reads.
 * Keys of `pods` are pod names; a pod without open allocations that relayed nothing lately has none.
 */
export const relayLoadSchema = z.strictObject({
  /** Epoch ms. */
  at: z.number().int().nonnegative(),
  pods: z.record(
    z.string(),
    z.strictObject({
      /** Allocations that are open now. */
      allocations: z.number().int().nonnegative(),
      /** Participants who hold one. */
      users: z.number().int().nonnegative(),
      /**
       * Mbit/s (1e6 bits) that the pod sends, to clients and to peers, over about the last minute: a
       * relayed byte counts once. Headers of IP and UDP come on top.
       */
      relayedMbps: z.number().nonnegative(),
    }),
  ),
})
export type RelayLoad = z.infer<typeof relayLoadSchema>
