import { z } from 'zod'

/** One message of coturn's statsdb as recorded to a file: a JSON line. `t` is epoch ms. */
export const statsdbLineSchema = z.object({
  t: z.number().int().nonnegative(),
  channel: z.string(),
  message: z.string(),
})
export type StatsdbLine = z.infer<typeof statsdbLineSchema>
