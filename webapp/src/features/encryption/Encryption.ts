import type { Cell } from '../../state.ts'
import type { EncryptionState } from './encryptionState.ts'
import { deriveRoomKey, newSecret, type RoomKey, secretOf, withSecret } from './roomKey.ts'

export type EncryptionOptions = {
  state: Cell<EncryptionState>
  /** Undefined on a page that is not secure: there is no key then. */
  subtle: SubtleCrypto | undefined
  random(bytes: Uint8Array): Uint8Array
  /** Of the page's address: where the secret is, and nowhere else. */
  fragment: { get(): string; set(fragment: string): void }
}

type Listener = (key: RoomKey | undefined) => void

/** The key of the room that this page is in, as its address has it. */
export class Encryption {
  readonly #options: EncryptionOptions
  readonly #listeners = new Set<Listener>()
  #room: string | undefined
  #secret: string | null = null
  #key: Promise<RoomKey | undefined> = Promise.resolve(undefined)
  #count = 0

  constructor(options: EncryptionOptions) {
    this.#options = options
  }

  /** The page turned to a room, or its address has changed. */
  async follow(room: string): Promise<void> {
    const secret = secretOf(this.#options.fragment.get())
    if (room === this.#room && secret === this.#secret) return
    this.#room = room
    this.#secret = secret
    const count = ++this.#count
    const { subtle, state } = this.#options
    this.#key =
      secret === null || !subtle || !state.get().possible
        ? Promise.resolve(undefined)
        : deriveRoomKey(subtle, room, secret)
    const key = await this.#key
    if (count !== this.#count) return
    state.set({ mark: key?.mark ?? null })
    for (const listener of this.#listeners) listener(key)
  }

  /** The present one; undefined: media over the SFU is not encrypted from end to end. */
  key(): Promise<RoomKey | undefined> {
    return this.#key
  }

  /** Calls `listener` whenever the key is another one. @returns what ends that */
  onKey(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** A secret that the person was given, or a new one for the whole room, which all others have to be given. */
  async use(secret: string): Promise<void> {
    const { fragment } = this.#options
    fragment.set(withSecret(fragment.get(), secret))
    if (this.#room !== undefined) await this.follow(this.#room)
  }

  /**
   * A new key, for example when somebody who has the present one is to hear no more. It has another place
   * in the ring than the present one, so that whoever has both reads both.
   */
  async renew(): Promise<void> {
    const { random, subtle } = this.#options
    const before = await this.#key
    let secret = newSecret(random)
    while (subtle && before && (await this.#indexOf(subtle, secret)) === before.index)
      secret = newSecret(random)
    await this.use(secret)
  }

  async #indexOf(subtle: SubtleCrypto, secret: string): Promise<number> {
    return (await deriveRoomKey(subtle, this.#room ?? '', secret)).index
  }
}
