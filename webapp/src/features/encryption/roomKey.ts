/**
 * The secret of a room, and what is derived of it. The secret is in the part of a link that no browser
 * sends to a server (`/r/<room>#e2ee=<secret>`), at random and 128 bits long.
 */
const parameter = 'e2ee'
const secretBytes = 16
const secretPattern = /^[A-Za-z0-9_-]{22}$/

/** What one page encrypts media with, for one room. */
export type RoomKey = {
  /** 32 bytes, of which LiveKit's client makes the AES key of the frames. */
  material: ArrayBuffer
  /** Where in the ring of 16 keys it is: frames say with which one they are encrypted. */
  index: number
  /** Tells whether two pages have the same key, and nothing else about it: the server passes it on. */
  mark: string
}

/** The secret in a link's fragment. */
export function secretOf(fragment: string): string | null {
  const secret = new URLSearchParams(fragment.replace(/^#/, '')).get(parameter)
  return secret !== null && secretPattern.test(secret) ? secret : null
}

/** The same fragment with this secret: an invitation that is there stays. */
export function withSecret(fragment: string, secret: string): string {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ''))
  parameters.set(parameter, secret)
  return `#${parameters}`
}

/** What somebody pasted: the whole link, its fragment, or the secret alone. */
export function secretFromText(text: string): string | null {
  const trimmed = text.trim()
  if (secretPattern.test(trimmed)) return trimmed
  const hash = trimmed.indexOf('#')
  return hash < 0 ? null : secretOf(trimmed.slice(hash))
}

export function newSecret(random: (bytes: Uint8Array) => Uint8Array): string {
  return base64Url(random(new Uint8Array(secretBytes)))
}

/**
 * HKDF-SHA-256 (RFC 5869) with the room in its info: one secret that is used for two rooms, by copying
 * the end of a link, gives two keys that have nothing in common.
 *
 * @param subtle of a secure page
 * @param secret as {@link secretOf} gives it
 */
export async function deriveRoomKey(
  subtle: Pick<SubtleCrypto, 'importKey' | 'deriveBits'>,
  room: string,
  secret: string,
): Promise<RoomKey> {
  const key = await subtle.importKey('raw', bytesOf(secret), 'HKDF', false, ['deriveBits'])
  const derive = (purpose: string, bytes: number) =>
    subtle.deriveBits(
      {
        name: 'HKDF',
        hash: 'SHA-256',
        salt: encode('parley e2ee 1'),
        info: encode(`${purpose} ${room}`),
      },
      key,
      bytes * 8,
    )
  const [material, told] = await Promise.all([derive('media', 32), derive('mark', 7)])
  const [index = 0, ...mark] = new Uint8Array(told)
  return { material, index: index % 16, mark: base64Url(new Uint8Array(mark)) }
}

const encode = (text: string) => new TextEncoder().encode(text)

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function bytesOf(secret: string): Uint8Array<ArrayBuffer> {
  const text = atob(secret.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}
