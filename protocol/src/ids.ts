import { z } from 'zod'
import { slugPattern } from './words.ts'

/** Room and tenant ids: what may stand in a URL, a TURN username and a report key. */
export const slugSchema = z
  .string()
  .regex(slugPattern, 'must be 1 to 64 letters, digits, "-" or "_"')
