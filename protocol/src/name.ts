import { z } from 'zod'

/**
 * The name shown to others (REQ-P3): something to see in it, and nothing that changes how the text
 * around it is drawn, as control characters and bidirectional overrides do.
 */
export const displayNameSchema = z
  .string()
  .trim()
  .min(1, 'a name is needed')
  .max(64, 'a name has at most 64 characters')
  .regex(
    /^[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u,
    'a name has no control characters and no overrides of the direction of writing',
  )
  .regex(/[^\p{C}\p{Z}\p{M}]/u, 'a name has something to see in it')
