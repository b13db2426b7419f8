import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { issuerKeys } from './issuer-keys.ts'

const issuer = 'https://id.example.com/realms/staff'
const day = 86_400_000

type Pair = Awaited<ReturnType<typeof generateKeyPair>>

describe('REQ-W5: the keys of an identity provider', () => {
  let now: number
  let there: boolean
  /** What stands in front of the provider, and answers for it. */
  let page: string | undefined
  let keys: object[]
  let asked: string[]
  let jwksUri: string

  beforeEach(() => {
    now = 1_800_000_000_000
    there = true
    page = undefined
    keys = []
    asked = []
    jwksUri = `${issuer}/keys`
    jest.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
      asked.push(String(url))
      if (!there) throw new TypeError('fetch failed')
      if (page !== undefined) return new Response(page)
      if (String(url) === `${issuer}/.well-known/openid-configuration`)
        return Response.json({ issuer, jwks_uri: jwksUri })
      return String(url) === jwksUri ? Response.json({ keys }) : new Response('', { status: 404 })
    })
  })
  afterEach(() => {
    jest.restoreAllMocks()
  })

  const pairOf = async (kid: string) => {
    const pair = await generateKeyPair('ES256', { extractable: true })
    return { ...pair, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256' }, kid }
  }
  const signed = ({ privateKey, kid }: Pair & { kid: string }) =>
    new SignJWT({ sub: 's' }).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)
  /** Every token asks for the keys anew, as one ten minutes later does. */
  const eager = { freshMs: 0, cooldownMs: 0 }

  it('are found by discovery, once for many tokens', async () => {
    const one = await pairOf('one')
    keys = [one.jwk]
    const find = issuerKeys(issuer, () => now)
    for (let i = 0; i < 3; i++) await jwtVerify(await signed(one), find)
    expect(asked).toEqual([`${issuer}/.well-known/openid-configuration`, jwksUri])
  })

  it('are asked for again when a token is signed with one that is not among them', async () => {
    const [one, two] = [await pairOf('one'), await pairOf('two')]
    keys = [one.jwk]
    const find = issuerKeys(issuer, () => now, { ...eager, freshMs: day })
    await jwtVerify(await signed(one), find)
    keys = [two.jwk]
    await jwtVerify(await signed(two), find)
    // And the one that is not theirs any more is not taken.
    await expect(jwtVerify(await signed(one), find)).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    })
  })

  it('hold on for a day while the provider is away, and no longer', async () => {
    const [one, two] = [await pairOf('one'), await pairOf('two')]
    keys = [one.jwk]
    const find = issuerKeys(issuer, () => now, eager)
    await jwtVerify(await signed(one), find)
    there = false
    now += day - 1000
    await jwtVerify(await signed(one), find)
    // With what key it signs by now nobody can say.
    await expect(jwtVerify(await signed(two), find)).rejects.toMatchObject({ code: 'unavailable' })
    now += 2000
    await expect(jwtVerify(await signed(one), find)).rejects.toThrow()
    there = true
    await jwtVerify(await signed(one), find)
  })

  it('are looked for where discovery says, an hour later', async () => {
    const one = await pairOf('one')
    keys = [one.jwk]
    const find = issuerKeys(issuer, () => now)
    await jwtVerify(await signed(one), find)
    jwksUri = `${issuer}/moved`
    now += 3_600_001
    await jwtVerify(await signed(one), find)
    expect(asked).toContain(jwksUri)
  })

  it.each(['<html>Back soon</html>', '{"error":"away"}', '{"keys":["one"]}'])(
    'hold on while another one answers in its place: %s',
    async (answer) => {
      const one = await pairOf('one')
      keys = [one.jwk]
      const find = issuerKeys(issuer, () => now, eager)
      await jwtVerify(await signed(one), find)
      page = answer
      now += day - 1000
      for (let i = 0; i < 2; i++) await jwtVerify(await signed(one), find)
      now += 2000
      await expect(jwtVerify(await signed(one), find)).rejects.toThrow()
    },
  )

  it('keep nobody waiting for a discovery that has just failed', async () => {
    const one = await pairOf('one')
    keys = [one.jwk]
    const find = issuerKeys(issuer, () => now)
    await jwtVerify(await signed(one), find)
    there = false
    now += 3_600_001
    const discoveries = () => asked.filter((url) => url.endsWith('/openid-configuration')).length
    for (let i = 0; i < 3; i++) await jwtVerify(await signed(one), find)
    expect(discoveries()).toBe(2)
    now += 60_000
    await jwtVerify(await signed(one), find)
    expect(discoveries()).toBe(3)
  })

  it('are unavailable, not wrong, where the provider was never there', async () => {
    there = false
    const one = await pairOf('one')
    const find = issuerKeys(issuer, () => now)
    await expect(jwtVerify(await signed(one), find)).rejects.toMatchObject({ code: 'unavailable' })
    there = true
    keys = [one.jwk]
    await jwtVerify(await signed(one), find)
  })
})
