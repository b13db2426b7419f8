import type { AuthConfig } from '@parley/protocol'
import * as oauth from 'oauth4webapi'
import type { SignedIn, SignInMemory } from './signInMemory.ts'
import type { SignInProblem } from './signInState.ts'

export type Provider = Omit<Extract<AuthConfig, { mode: 'OIDC' }>, 'mode'>

/** Signing in failed, and why. */
export class SignInError extends Error {
  readonly problem: SignInProblem
  constructor(problem: SignInProblem, options?: ErrorOptions) {
    super(`sign-in: ${problem}`, options)
    this.name = 'SignInError'
    this.problem = problem
  }
}

export type OidcClientOptions = {
  provider: Provider
  memory: SignInMemory
  /** Of the page, `https://meet.example.com`. */
  origin: string
  /** Leaves for another page. */
  go(url: string): void
  /** Epoch milliseconds of the server, which this device's clock may be hours off. */
  now(): number
  /** Default: that of the browser. */
  fetch?: (url: string, request: { body?: unknown }) => Promise<Response>
}

const answerMs = 10_000

/**
 * Signs in at an identity provider by authorization code and PKCE, as a public client
 * (https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth, RFC 7636). Every promise rejects with
 * {@link SignInError}.
 */
export class OidcClient {
  readonly #options: OidcClientOptions
  readonly #client: oauth.Client
  #found: Promise<oauth.AuthorizationServer> | undefined

  constructor(options: OidcClientOptions) {
    this.#options = options
    const aheadSeconds = Math.round((options.now() - Date.now()) / 1000)
    this.#client = { client_id: options.provider.clientId, [oauth.clockSkew]: aheadSeconds }
  }

  /** Leaves for the provider's page. @param returnTo path of this site to be at afterwards */
  async begin(returnTo: string): Promise<void> {
    const { memory, provider, go } = this.#options
    const { authorization_endpoint } = await this.#discover()
    if (authorization_endpoint === undefined) throw new SignInError('refused')
    const verifier = oauth.generateRandomCodeVerifier()
    const pending = {
      ...{ verifier, returnTo },
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
    }
    const url = new URL(authorization_endpoint)
    const asked = {
      client_id: provider.clientId,
      redirect_uri: this.#redirectUri,
      response_type: 'code',
      scope: provider.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      // Without it some providers give no refresh token.
      ...(/(^| )offline_access( |$)/.test(provider.scope) && { prompt: 'consent' }),
    }
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value)
    try {
      memory.begin(pending)
    } catch (cause) {
      throw new SignInError('stale', { cause })
    }
    go(url.href)
  }

  /** Back from the provider's page: takes what stands in the address. */
  async complete(address: string): Promise<void> {
    const { memory } = this.#options
    const pending = memory.takePending()
    if (!pending) throw new SignInError('stale')
    const server = await this.#discover()
    return saying(async () => {
      const url = new URL(address)
      const code = oauth.validateAuthResponse(server, this.#client, url, pending.state)
      const answer = await oauth.authorizationCodeGrantRequest(
        server,
        this.#client,
        oauth.None(),
        code,
        this.#redirectUri,
        pending.verifier,
        this.#ask(),
      )
      const tokens = await oauth.processAuthorizationCodeResponse(server, this.#client, answer, {
        expectedNonce: pending.nonce,
        requireIdToken: true,
      })
      this.#keep(tokens, { nonce: pending.nonce })
    })
  }

  /**
   * The same person with a token that holds on.
   * @returns undefined where the provider gave nothing to renew it by, or does not renew it: sign in again
   */
  async renew(signedIn: SignedIn): Promise<SignedIn | undefined> {
    const { refreshToken } = signedIn
    if (refreshToken === undefined) return undefined
    const server = await this.#discover()
    try {
      return await saying(async () => {
        const answer = await oauth.refreshTokenGrantRequest(
          server,
          this.#client,
          oauth.None(),
          refreshToken,
          this.#ask(),
        )
        const tokens = await oauth.processRefreshTokenResponse(server, this.#client, answer)
        if (oauth.getValidatedIdTokenClaims(tokens)?.sub !== signedIn.subject) return undefined
        return this.#keep(tokens, { refreshToken })
      })
    } catch (error) {
      if (error instanceof SignInError && error.problem === 'away') throw error
      return undefined
    }
  }

  /** Here and, where it can be told, at the provider, whose page it leaves for. */
  async signOut(returnTo: string): Promise<void> {
    const { memory, origin, provider, go } = this.#options
    const signedIn = memory.signedIn()
    memory.forget()
    // Who cannot be told is not signed out there, and is here.
    const server = await this.#discover().catch(() => undefined)
    if (!signedIn || server?.end_session_endpoint === undefined) return go(returnTo)
    const url = new URL(server.end_session_endpoint)
    url.searchParams.set('id_token_hint', signedIn.idToken)
    url.searchParams.set('client_id', provider.clientId)
    url.searchParams.set('post_logout_redirect_uri', `${origin}/`)
    go(url.href)
  }

  /** @param before what holds where the answer says nothing else */
  #keep(
    tokens: oauth.TokenEndpointResponse,
    before: { nonce?: string; refreshToken?: string },
  ): SignedIn {
    const { id_token: idToken, refresh_token: refreshToken = before.refreshToken } = tokens
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    if (idToken === undefined || !claims) throw new SignInError('not-ours')
    const nonce = typeof claims.nonce === 'string' ? claims.nonce : before.nonce
    const name = [claims.name, claims.preferred_username].find((one) => typeof one === 'string')
    const signedIn: SignedIn = {
      ...{ idToken, subject: claims.sub, expiresAtMs: claims.exp * 1000 },
      cameAtMs: Date.now(),
      ...(nonce !== undefined && { nonce }),
      ...(refreshToken !== undefined && { refreshToken }),
      ...(name !== undefined && { name }),
    }
    this.#options.memory.keep(signedIn)
    return signedIn
  }

  get #redirectUri(): string {
    return `${this.#options.origin}/signed-in`
  }

  /** Once; where it failed, it is asked again. */
  #discover(): Promise<oauth.AuthorizationServer> {
    this.#found ??= saying(async () => {
      const issuer = new URL(this.#options.provider.issuer)
      const answer = await oauth.discoveryRequest(issuer, this.#ask())
      return oauth.processDiscoveryResponse(issuer, answer)
    }).catch((error) => {
      this.#found = undefined
      throw error
    })
    return this.#found
  }

  #ask() {
    const { hostname } = new URL(this.#options.provider.issuer)
    const local = hostname === 'localhost' || hostname === '127.0.0.1'
    return {
      signal: () => AbortSignal.timeout(answerMs),
      // Only to try it out: a provider on this very machine.
      [oauth.allowInsecureRequests]: local,
      ...(this.#options.fetch && { [oauth.customFetch]: this.#options.fetch }),
    }
  }
}

async function saying<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw cause instanceof SignInError ? cause : new SignInError(problemOf(cause), { cause })
  }
}

/** Answers of RFC 6749 and OpenID Connect that are about the person, not about this page. */
const no: ReadonlySet<string> = new Set([
  'access_denied',
  'consent_required',
  'interaction_required',
  'login_required',
  'account_selection_required',
])
const down: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error'])

function problemOf(cause: unknown): SignInProblem {
  if (cause instanceof oauth.AuthorizationResponseError || cause instanceof oauth.ResponseBodyError)
    return no.has(cause.error) ? 'denied' : down.has(cause.error) ? 'away' : 'refused'
  if (cause instanceof oauth.OperationProcessingError) {
    if (cause.code === oauth.JWT_TIMESTAMP_CHECK) return 'clock'
    if (cause.code === oauth.RESPONSE_IS_NOT_CONFORM) return 'away'
    if (cause.code === oauth.JWT_CLAIM_COMPARISON) return 'not-ours'
    if (cause.code === oauth.INVALID_RESPONSE) return 'not-ours'
    return 'refused'
  }
  // The network, or nobody answered in time.
  return 'away'
}
