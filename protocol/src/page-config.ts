import { z } from 'zod'
import { authConfigSchema } from './access.ts'

/**
 * `GET /api/config`: what a page has to know of this server before it joins. A page takes what it knows of it, so that
 * a newer server may say more.
 */
export const pageConfigSchema = z.object({
  auth: authConfigSchema,
  /** Where the page reports its own faults, by the protocol of Sentry; left out: nowhere. */
  errors: z.object({ dsn: z.url(), environment: z.string(), release: z.string() }).optional(),
  /**
   * The page reports how its calls are: it reads its connections every `statsMs`, and says so at least every
   * `emitMs`. Left out: it does neither.
   */
  metrics: z.object({ statsMs: z.int().positive(), emitMs: z.int().positive() }).optional(),
})
export type PageConfig = z.infer<typeof pageConfigSchema>
