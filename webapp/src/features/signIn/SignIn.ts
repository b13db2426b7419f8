import type { PageConfig } from '@parley/protocol'
import type { Cell } from '../../state.ts'
import type { OidcClient, Provider } from './OidcClient.ts'
import type { SignedIn, SignInMemory } from './signInMemory.ts'
import { initialSignIn, type SignInProblem, type SignInState } from './signInState.ts'

/** What a join request says of who somebody is. */
export type ShownIdentity = { idToken?: string; nonce?: string }

export type SignInOptions = {
  cell: Cell<SignInState>
  memory: SignInMemory
  /** What the server says, with its time; rejects where it says nothing. */
  loadConfig(): Promise<{ config: PageConfig; serverAheadMs: number }>
  /** The code of signing in, which only pays who signs in. */
  loadClient(provider: Provider, now: () => number): Promise<Client>
  /** Epoch milliseconds of this device. */
  now(): number
}
type Client = Pick<OidcClient, 'begin' | 'complete' | 'renew' | 'signOut'>

/** A token that is over so soon is renewed before it is shown. */
const renewMs = 30_000
/** A sign-in that came so lately, and is over nevertheless, is one of wrong clocks. */
const freshMs = 60_000

/** Who this tab is signed in as, from the button to what a join request shows. */
export class SignIn {
  readonly #options: SignInOptions
  #config: ReturnType<SignInOptions['loadConfig']> | undefined
  #client: Promise<Client> | undefined

  constructor(options: SignInOptions) {
    this.#options = options
  }

  /** Learns whether people sign in here, and who has. Never rejects: who cannot be asked is asked again later. */
  async look(): Promise<void> {
    const { cell } = this.#options
    this.#show()
    try {
      cell.set({ offered: (await this.#provider()) !== undefined })
    } catch {
      // Whoever joins hears of it.
    }
  }

  /** Leaves for the identity provider. */
  begin(returnTo: string): Promise<void> {
    return this.#doing(async () => (await this.#loaded()).begin(returnTo))
  }

  /** Back from there. @returns whether it worked, else why not is in the state; and the path they came from */
  async complete(address: string): Promise<{ done: boolean; path: string }> {
    const path = pathOf(this.#options.memory.pending()?.returnTo ?? '/')
    let done = false
    await this.#doing(async () => {
      await (await this.#loaded()).complete(address)
      this.#show()
      done = true
    })
    return { done, path }
  }

  async signOut(returnTo: string): Promise<void> {
    await this.#doing(async () => (await this.#loaded()).signOut(returnTo))
    this.#options.memory.forget()
    this.#show()
  }

  /** What to show the server: nothing where nobody is signed in, or a token cannot be renewed. Never rejects. */
  async identity(): Promise<ShownIdentity> {
    const signedIn = this.#options.memory.signedIn()
    if (!signedIn) return {}
    const current = await this.#current(signedIn)
    this.#show()
    if (!current) return {}
    const { idToken, nonce } = current
    return { idToken, ...(nonce !== undefined && { nonce }) }
  }

  /**
   * The server did not take what was shown: it is not shown again.
   * @returns whether signing in again may help: not, where it was done just now
   */
  refused(): boolean {
    const { memory } = this.#options
    const signedIn = memory.signedIn()
    memory.forget()
    this.#show()
    return !signedIn || this.#options.now() - signedIn.cameAtMs > freshMs
  }

  async #current(signedIn: SignedIn): Promise<SignedIn | undefined> {
    const { memory, now } = this.#options
    try {
      const { serverAheadMs } = await this.#configured()
      if (signedIn.expiresAtMs - now() - serverAheadMs > renewMs) return signedIn
      const renewed = await (await this.#loaded()).renew(signedIn)
      if (!renewed) memory.forget()
      return renewed
    } catch {
      // The provider, or the server, is away for now: what there is may do.
      return signedIn
    }
  }

  #show(): void {
    const { cell, memory } = this.#options
    const signedIn = memory.signedIn()
    cell.set({ person: signedIn && { name: signedIn.name } })
  }

  async #doing(what: () => Promise<void>): Promise<void> {
    const { cell } = this.#options
    cell.set({ busy: true, problem: initialSignIn.problem })
    try {
      await what()
    } catch (error) {
      cell.set({ problem: problemOf(error) })
    } finally {
      cell.set({ busy: false })
    }
  }

  #configured() {
    this.#config ??= this.#options.loadConfig().catch((error) => {
      this.#config = undefined
      throw error
    })
    return this.#config
  }

  async #provider(): Promise<Provider | undefined> {
    const { auth } = (await this.#configured()).config
    return auth.mode === 'OIDC' ? auth : undefined
  }

  #loaded(): Promise<Client> {
    this.#client ??= this.#load().catch((error) => {
      this.#client = undefined
      throw error
    })
    return this.#client
  }

  async #load(): Promise<Client> {
    const { loadClient, now } = this.#options
    const provider = await this.#provider()
    if (!provider) throw Object.assign(new Error('nobody signs in here'), { problem: 'refused' })
    const { serverAheadMs } = await this.#configured()
    return loadClient(provider, () => now() + serverAheadMs)
  }
}

/** Its own code, which may not be there, is not asked what it threw. */
function problemOf(error: unknown): SignInProblem {
  return (error as { problem?: SignInProblem }).problem ?? 'away'
}

/** A path of this site and nothing else, whatever was kept. */
export function pathOf(returnTo: string): string {
  return /^\/(?![/\\])/.test(returnTo) ? returnTo : '/'
}
