import { BaseKeyProvider } from 'livekit-client'
import FrameWorker from 'livekit-client/e2ee-worker?worker'
import type { RoomKey } from './roomKey.ts'

/** Keys as LiveKit's client wants them: a ring, of which the one that was added last encrypts. */
export class FrameKeys extends BaseKeyProvider {
  /** Encrypts and decrypts the frames, beside the page. */
  readonly worker: Worker = new FrameWorker()

  constructor() {
    // Who sends with a key that is not here is tried again with each frame: the key may come.
    super({ sharedKey: true, ratchetWindowSize: 0, failureTolerance: -1, keyringSize: 16 })
  }

  async add({ material, index }: RoomKey): Promise<void> {
    const usages = ['deriveBits', 'deriveKey'] as const
    const key = await crypto.subtle.importKey('raw', material, 'HKDF', false, usages)
    this.onSetEncryptionKey(key, undefined, index)
  }
}
