import { fields, number, optional, readJson, type Shape, text } from '../../shape.ts'

/** A sign-in that came back. Times are those of the identity provider. */
const signedIn = fields({
  idToken: text(),
  /** Of the token; a renewed one may have none. */
  nonce: optional(text()),
  refreshToken: optional(text()),
  subject: text(),
  name: optional(text()),
  expiresAtMs: number(),
  /** When it came, by the clock of this device. */
  cameAtMs: number(),
})
export type SignedIn = ReturnType<typeof signedIn>

/** A sign-in that is on its way, over the pages of the identity provider. */
const pending = fields({ state: text(), nonce: text(), verifier: text(), returnTo: text() })
export type PendingSignIn = ReturnType<typeof pending>

type TabStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

const keys = { signedIn: 'parley.signed-in', pending: 'parley.signing-in' }

/** Who is signed in, for as long as the tab lives: on no disk, and in no other tab. */
export class SignInMemory {
  readonly #storage: () => TabStorage

  /** @param storage throws where the browser keeps nothing for this site */
  constructor(storage: () => TabStorage) {
    this.#storage = storage
  }

  signedIn(): SignedIn | undefined {
    return this.#read(keys.signedIn, signedIn)
  }

  /** Throws where the browser keeps nothing: nobody can sign in then. */
  keep(signedIn: SignedIn): void {
    this.#storage().setItem(keys.signedIn, JSON.stringify(signedIn))
  }

  forget(): void {
    this.#remove(keys.signedIn)
  }

  begin(pending: PendingSignIn): void {
    this.#storage().setItem(keys.pending, JSON.stringify(pending))
  }

  pending(): PendingSignIn | undefined {
    return this.#read(keys.pending, pending)
  }

  /** Once: what came back is not taken a second time. */
  takePending(): PendingSignIn | undefined {
    const pending = this.pending()
    this.#remove(keys.pending)
    return pending
  }

  #read<T>(key: string, shape: Shape<T>): T | undefined {
    try {
      return readJson(shape, this.#storage().getItem(key))
    } catch {
      return undefined
    }
  }

  #remove(key: string): void {
    try {
      this.#storage().removeItem(key)
    } catch {
      // What is not kept needs not go.
    }
  }
}
