import { z } from 'zod'

/** A sign-in that came back. Times are those of the identity provider. */
const signedInSchema = z.object({
  idToken: z.string(),
  /** Of the token; a renewed one may have none. */
  nonce: z.string().optional(),
  refreshToken: z.string().optional(),
  subject: z.string(),
  name: z.string().optional(),
  expiresAtMs: z.number(),
  /** When it came, by the clock of this device. */
  cameAtMs: z.number(),
})
export type SignedIn = z.infer<typeof signedInSchema>

/** A sign-in that is on its way, over the pages of the identity provider. */
const pendingSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
})
export type PendingSignIn = z.infer<typeof pendingSchema>

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
    return this.#read(keys.signedIn, signedInSchema)
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
    return this.#read(keys.pending, pendingSchema)
  }

  /** Once: what came back is not taken a second time. */
  takePending(): PendingSignIn | undefined {
    const pending = this.pending()
    this.#remove(keys.pending)
    return pending
  }

  #read<T>(key: string, schema: z.ZodType<T>): T | undefined {
    try {
      return schema.safeParse(JSON.parse(this.#storage().getItem(key) ?? '')).data
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
