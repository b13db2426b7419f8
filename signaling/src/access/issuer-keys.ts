import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import { SignalingError } from '../errors.ts'

const requestMs = 3000
/** An identity provider may move its keys, and does so seldom. */
const discoveryMs = 3_600_000
/** While its discovery does not answer, nobody waits for another try sooner than this. */
const discoveryAgainMs = 60_000
const defaults = {
  /** Keys are asked for anew after this, and for a key that is not among them: that is how they are rotated. */
  freshMs: 600_000,
  /** One who asks with made-up keys does not make us ask the provider more often. */
  cooldownMs: 10_000,
}
/** While the provider is away its last keys hold for so long: nobody could take one back meanwhile either. */
const staleMs = 24 * 3_600_000

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() })
/** What stands in front of a provider that is away may answer with a page of its own, and 200. */
const keysSchema = z.object({ keys: z.array(z.looseObject({})) })

type KeySet = ReturnType<typeof createRemoteJWKSet>

/**
 * The keys that an identity provider signs with, by its discovery document.
 *
 * @param now epoch milliseconds
 * @returns finds the key of a token. Throws SignalingError `unavailable` where the provider cannot be asked, and no
 * key is remembered
 */
export function issuerKeys(
  issuer: string,
  now: () => number,
  { freshMs, cooldownMs } = defaults,
): JWTVerifyGetKey {
  let found: { keys: KeySet; at: number } | undefined
  let asking: Promise<KeySet> | undefined
  /** As the provider answered last. */
  let kept: { body: string; at: number } | undefined
  /** What is in use are keys from before, since the provider does not answer. */
  let stale = false

  /** Throws as `fetch`, and where the answer is no success. */
  async function ask(url: string, init?: RequestInit): Promise<string> {
    const response = await fetch(url, { signal: AbortSignal.timeout(requestMs), ...init })
    if (!response.ok) throw new Error(`${url} answered ${response.status}`)
    return response.text()
  }

  async function keysOrKept(url: string, init: RequestInit): Promise<Response> {
    try {
      const body = await ask(url, init)
      keysSchema.parse(JSON.parse(body))
      kept = { body, at: now() }
      stale = false
    } catch (cause) {
      if (!kept || now() - kept.at > staleMs) throw cause
      stale = true
    }
    return new Response(kept.body, { headers: { 'content-type': 'application/json' } })
  }

  async function discover(): Promise<KeySet> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const document = discoverySchema.parse(JSON.parse(await ask(url)))
    if (document.issuer !== issuer)
      throw new Error(`${url} is of ${document.issuer}; write the issuer exactly so`)
    return createRemoteJWKSet(new URL(document.jwks_uri), {
      timeoutDuration: requestMs,
      cooldownDuration: cooldownMs,
      cacheMaxAge: freshMs,
      [customFetch]: keysOrKept,
    })
  }

  async function keySet(): Promise<KeySet> {
    if (found && now() - found.at < discoveryMs) return found.keys
    asking ??= discover().finally(() => {
      asking = undefined
    })
    try {
      found = { keys: await asking, at: now() }
    } catch (cause) {
      if (!found) throw keysAway(cause)
      // What was found before holds on.
      found.at = now() - discoveryMs + discoveryAgainMs
    }
    return found.keys
  }

  return async (header, token) => {
    const keys = await keySet()
    try {
      return await keys(header, token)
    } catch (cause) {
      // The key may be one that the provider has begun to sign with since.
      if (stale) throw keysAway(cause)
      throw cause
    }
  }
}

export function keysAway(cause: unknown): SignalingError {
  return new SignalingError(
    'unavailable',
    'the identity provider cannot be asked for its keys; try again shortly',
    { cause },
  )
}
