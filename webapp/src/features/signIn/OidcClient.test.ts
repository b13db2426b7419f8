import { afterEach, describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { OidcClient } from './OidcClient.ts'
import { pathOf } from './SignIn.ts'
import { SignInMemory } from './signInMemory.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

const issuer = 'https://id.example.com'
const origin = 'https://meet.example.com'
const serverNow = 1_800_000_000_000
const hour = 3_600_000

afterEach(() => {
  jest.restoreAllMocks()
})

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** Nobody here looks at the signature: the token comes from the provider itself, by TLS; the server looks. */
const token = (claims: object) => `${part({ alg: 'RS256' })}.${part(claims)}.${part({})}`

type Answers = {
  claims?: object
  status?: number
  error?: string
  discovery?: () => Response
  refresh?: object
}

/** A page before a provider that answers as it is told to. @param deviceAheadMs what the device's clock is wrong by */
function page(answers: Answers = {}, deviceAheadMs = 0) {
  jest.spyOn(Date, 'now').mockReturnValue(serverNow + deviceAheadMs)
  const items = new Map<string, string>()
  const memory = new SignInMemory(() => ({
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  }))
  let sentTo = new URL('https://nowhere.example.com')
  const bodies: URLSearchParams[] = []
  const client = new OidcClient({
    provider: { issuer, clientId: 'parley', scope: 'openid profile' },
    ...{ memory, origin },
    go: (url) => {
      sentTo = new URL(url)
    },
    now: () => Date.now() - deviceAheadMs,
    async fetch(url, { body }) {
      if (url.endsWith('/.well-known/openid-configuration'))
        return (
          answers.discovery?.() ??
          Response.json({
            issuer,
            authorization_endpoint: `${issuer}/authorize`,
            token_endpoint: `${issuer}/token`,
          })
        )
      bodies.push(new URLSearchParams(String(body)))
      const { error, status = error === undefined ? 200 : 400 } = answers
      if (status !== 200) return Response.json({ error: error ?? 'server_error' }, { status })
      const seconds = serverNow / 1000
      const claims = {
        ...{ iss: issuer, aud: 'parley', sub: 's', name: 'Ann', iat: seconds, exp: seconds + 300 },
        nonce: sentTo.searchParams.get('nonce') ?? undefined,
        ...answers.claims,
      }
      const tokens = { access_token: 'a', token_type: 'bearer', id_token: token(claims) }
      return Response.json({ ...tokens, ...answers.refresh })
    },
  })
  return {
    client,
    memory,
    bodies,
    sentTo: () => sentTo,
    async come(more: Record<string, string> = {}) {
      await client.begin('/r/r')
      const back = new URL(sentTo.searchParams.get('redirect_uri') ?? '')
      const state = sentTo.searchParams.get('state') ?? ''
      for (const [name, value] of Object.entries({ code: 'c', state, ...more }))
        if (value !== '') back.searchParams.set(name, value)
      await client.complete(back.href)
      return memory.signedIn()
    },
    problem(more: Record<string, string> = {}) {
      return this.come(more).then(
        () => 'none',
        ({ problem }) => problem,
      )
    },
  }
}

describe('REQ-W5: the page signs in by authorization code and PKCE', () => {
  it('asks with a challenge of S256, and shows what it is of when it takes the code', async () => {
    const here = page({ refresh: { refresh_token: 'r' } })
    expect(await here.come()).toMatchObject({ subject: 's', name: 'Ann', refreshToken: 'r' })
    const asked = Object.fromEntries(here.sentTo().searchParams)
    expect(asked).toMatchObject({
      client_id: 'parley',
      redirect_uri: `${origin}/signed-in`,
      response_type: 'code',
      scope: 'openid profile',
      code_challenge_method: 'S256',
    })
    const [body] = here.bodies
    const verifier = new TextEncoder().encode(body?.get('code_verifier') ?? '')
    const digest = await crypto.subtle.digest('SHA-256', verifier)
    expect(Buffer.from(digest).toString('base64url')).toBe(asked.code_challenge)
    expect(body?.get('code')).toBe('c')
  })

  it('on a device whose clock is hours off, as the server says what time it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -24 * hour, max: 24 * hour }), async (ahead) => {
        expect(await page({}, ahead).problem()).toBe('none')
        jest.restoreAllMocks()
      }),
      { numRuns: 100 },
    )
  })

  const now = serverNow / 1000
  it.each<[string, Answers, Record<string, string>, string]>([
    ['a token for another client', { claims: { aud: 'other' } }, {}, 'not-ours'],
    ['a token of another issuer', { claims: { iss: 'https://evil.example.com' } }, {}, 'not-ours'],
    ['a token of another sign-in', { claims: { nonce: 'another' } }, {}, 'not-ours'],
    ['an answer to another question', {}, { state: 'another' }, 'not-ours'],
    ['a token that is over for an hour', { claims: { exp: now - 3600 } }, {}, 'clock'],
    ['a token that is good in an hour', { claims: { nbf: now + 3600 } }, {}, 'clock'],
    ['no', {}, { code: '', error: 'access_denied' }, 'denied'],
    ['nobody who is signed in', {}, { code: '', error: 'login_required' }, 'denied'],
    ['a provider that fails', {}, { code: '', error: 'server_error' }, 'away'],
    ['a page that is not known', { error: 'invalid_client' }, {}, 'refused'],
    ['a code that was used', { error: 'invalid_grant' }, {}, 'refused'],
    [
      'a provider that answers 503',
      { discovery: () => new Response('', { status: 503 }) },
      {},
      'away',
    ],
    [
      'a provider that is another one',
      { discovery: () => Response.json({ issuer: 'https://x.example.com' }) },
      {},
      'refused',
    ],
    [
      'a provider that does not answer',
      {
        discovery: () => {
          throw new TypeError('failed')
        },
      },
      {},
      'away',
    ],
  ])('says what is wrong with %s', async (_what, answers, more, problem) => {
    const here = page(answers)
    expect(await here.problem(more)).toBe(problem)
    expect(here.memory.signedIn()).toBeUndefined()
  })

  it('a provider that was away is asked again', async () => {
    let away = true
    const answers: Answers = {}
    const here = page(answers)
    answers.discovery = () => {
      if (away) throw new TypeError('failed')
      delete answers.discovery
      return Response.json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
      })
    }
    expect(await here.problem()).toBe('away')
    away = false
    expect(await here.problem()).toBe('none')
  })

  it('renews for the same person only', async () => {
    const answers: Answers = { refresh: { refresh_token: 'r' } }
    const here = page(answers)
    const first = await here.come()
    if (!first) throw new Error('nobody is signed in')
    answers.refresh = {}
    expect(await here.client.renew(first)).toMatchObject({ subject: 's', refreshToken: 'r' })
    answers.claims = { sub: 'somebody else' }
    expect(await here.client.renew(first)).toBeUndefined()
    answers.error = 'invalid_grant'
    expect(await here.client.renew(first)).toBeUndefined()
    expect(here.bodies.at(-1)?.get('grant_type')).toBe('refresh_token')
  })

  it('goes back to a path of this site and nowhere else, whatever was kept', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.string(), fc.webPath()), (kept) => {
        expect(new URL(pathOf(kept), origin).origin).toBe(origin)
        expect(new URL(pathOf(`/${kept}`), origin).origin).toBe(origin)
      }),
      { numRuns: 500 },
    )
    for (const kept of ['//evil.example.com', '/\\\\evil.example.com', '/\\t/evil', 'javascript:1'])
      expect(new URL(pathOf(kept), origin).origin).toBe(origin)
    expect(pathOf('/r/r?x=1#key=2')).toBe('/r/r?x=1#key=2')
  })
})
