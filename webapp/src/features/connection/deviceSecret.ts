import { keep, kept } from '../../ui/kept.ts'

const key = 'parley.holder'
/** Also where the browser keeps nothing: a request may be repeated. */
let own: string | undefined

/** What this device shows with an invitation for one join, so that the same lets it in again. */
export function deviceSecret(): string {
  if (own === undefined) {
    own = secretOf(kept(key))
    keep(key, own)
  }
  return own
}

/** What was kept, unless the server would refuse it, as it was spoiled; else a new one. */
export const secretOf = (before: string | null) =>
  before !== null && /^[\w-]{16,64}$/.test(before) ? before : newSecret()

/** `crypto.randomUUID` is only there over TLS. */
const newSecret = () =>
  [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
