import type { RemoteParticipant } from '../call/callState.ts'

export type EncryptionState = {
  /** Of the key that this page has; null where it has none. */
  mark: string | null
  /** The browser can encrypt what goes over the SFU. */
  possible: boolean
}

export const initialEncryption: EncryptionState = { mark: null, possible: true }

/**
 * How media between this page and one other is encrypted.
 *
 * - `direct`: from browser to browser, by DTLS
 * - `key`: over the SFU, with a key that both have
 * - `locked`: over the SFU, with a key that this page does not have: it is neither seen nor heard
 * - `open`: over the SFU, which could see and hear it
 */
export type PeerEncryption = 'direct' | 'key' | 'locked' | 'open'

export type EncryptedPeer = Pick<RemoteParticipant, 'id' | 'name' | 'media' | 'sfu'>

export function peerEncryption(mark: string | null, { sfu, media }: EncryptedPeer): PeerEncryption {
  if (!sfu) return 'direct'
  if (media.e2ee === undefined) return 'open'
  return media.e2ee === mark ? 'key' : 'locked'
}

/**
 * A call as a whole, the worst thing first.
 *
 * - `missing`: others have a key that this page has none of; `differs`: it has another one
 * - `partly`: some have no key: the SFU could see and hear what they send, and they lack what others send
 * - `none`: nobody has a key, and media goes over the SFU
 * - `key`, `direct`: encrypted from end to end
 */
export type CallEncryption =
  | { kind: 'missing' | 'differs' | 'partly'; who: readonly string[] }
  | { kind: 'none' | 'key' | 'direct' }

export function callEncryption(
  mark: string | null,
  peers: readonly EncryptedPeer[],
): CallEncryption {
  const named = (which: (peer: EncryptedPeer) => boolean) =>
    peers.filter(which).map(({ name }) => name)
  const others = named(({ media }) => media.e2ee !== undefined && media.e2ee !== mark)
  if (others.length > 0) return { kind: mark === null ? 'missing' : 'differs', who: others }
  if (mark !== null) {
    const without = named(({ media }) => media.e2ee === undefined)
    return without.length > 0 ? { kind: 'partly', who: without } : { kind: 'key' }
  }
  return { kind: peers.some(({ sfu }) => sfu) ? 'none' : 'direct' }
}
