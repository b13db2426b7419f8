import { z } from 'zod'
import { relayCostReportSchema, relayedBytesSchema } from './report.ts'

const seconds = z.number().nonnegative()

/** What `npm run demo -- --once --json FILE` writes. */
export const demoSummarySchema = z.object({
  cluster: z.object({ readySeconds: seconds }),
  stack: z.object({
    readySeconds: seconds,
    components: z.record(z.string(), z.object({ desired: z.number(), ready: z.number() })),
  }),
  call: z.object({
    participants: z.number().int(),
    relayed: z.number().int(),
    joinMs: z.array(z.number()),
    mediaSeconds: seconds,
    clientBytes: z.object({ sent: z.number(), received: z.number() }),
  }),
  turn: z.object({
    allocations: z.number().int(),
    bytes: relayedBytesSchema.omit({ billable: true }),
  }),
  report: relayCostReportSchema,
})
export type DemoSummary = z.infer<typeof demoSummarySchema>
