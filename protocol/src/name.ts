import { z } from 'zod'
import { displayNameMax, displayNamePatterns } from './words.ts'

/**
 * The name shown to others (REQ-P3): something to see in it, and nothing that changes how the text
 * around it is drawn, as control characters and bidirectional overrides do.
 */
export const displayNameSchema = z
  .string()
  .trim()
  .min(1, 'a name is needed')
  .max(displayNameMax, `a name has at most ${displayNameMax} characters`)
  .regex(
    displayNamePatterns.harmless,
    'a name has no control characters and no overrides of the direction of writing',
  )
  .regex(displayNamePatterns.seen, 'a name has something to see in it')
