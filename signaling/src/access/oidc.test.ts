import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { identityOf, oidcOf } from './oidc.ts'

const config = {
  issuer: 'https://id.example.com',
  rolesClaim: 'groups',
  hostRole: 'hosts',
  adminRole: 'admins',
  memberRole: '',
  tenantClaim: '',
}
const other = fc.string().filter((text) => text !== 'hosts' && text !== 'admins')

describe('REQ-W5: who somebody is, as an identity provider says', () => {
  it('a member, or what a configured role makes of them, in a text or among others', () => {
    fc.assert(
      fc.property(fc.array(other), fc.subarray(['hosts', 'admins']), (others, own) => {
        const role = own.includes('admins') ? 'admin' : own.includes('hosts') ? 'host' : 'member'
        const groups = [...others, ...own]
        expect(identityOf({ sub: 's', groups }, config).role).toBe(role)
        const alone = own.at(-1)
        if (alone)
          expect(identityOf({ sub: 's', groups: alone }, config).role).toBe(
            alone === 'admins' ? 'admin' : 'host',
          )
      }),
    )
  })

  it('no more than a member, whatever else is claimed, and in whatever form', () => {
    const claim = fc.oneof(other, fc.array(other), fc.jsonValue())
    fc.assert(
      fc.property(claim, (roles) => {
        const payload = { sub: 's', roles: ['admins'], role: 'admin', groups: [roles, {}] }
        expect(identityOf(payload, config).role).toBe(
          roles === 'admins' ? 'admin' : roles === 'hosts' ? 'host' : 'member',
        )
      }),
    )
    const unset = { ...config, hostRole: '', adminRole: '' }
    expect(identityOf({ sub: 's', groups: [''] }, unset).role).toBe('member')
  })

  it('the same account for the same person there, another one for everybody else', () => {
    const who = fc.tuple(fc.webUrl(), fc.string())
    fc.assert(
      fc.property(who, who, ([issuer, sub], [issuer2, sub2]) => {
        const one = identityOf({ sub }, { ...config, issuer }).account
        const two = identityOf({ sub: sub2 }, { ...config, issuer: issuer2 }).account
        expect(one === two).toBe(issuer === issuer2 && sub === sub2)
        expect(one).toMatch(/^[\w-]{32}$/)
      }),
    )
  })

  it('a guest who has none of the roles, where members have one', () => {
    const strict = { ...config, memberRole: 'staff' }
    const roles = fc.subarray(['staff', 'hosts', 'admins', 'others'])
    fc.assert(
      fc.property(roles, (groups) => {
        const { role } = identityOf({ sub: 's', groups }, strict)
        const expected = groups.includes('admins')
          ? 'admin'
          : groups.includes('hosts')
            ? 'host'
            : groups.includes('staff')
              ? 'member'
              : 'guest'
        expect(role).toBe(expected)
      }),
    )
  })

  it('by claims within others, as some providers have them; never by what every object has', () => {
    const nested = { ...config, rolesClaim: 'realm_access.roles', tenantClaim: 'org.id' }
    const payload = { sub: 's', realm_access: { roles: ['hosts'] }, org: { id: 'acme' } }
    expect(identityOf(payload, nested)).toMatchObject({ role: 'host', tenant: 'acme' })
    const whole = { sub: 's', 'realm_access.roles': 'admins', realm_access: { roles: ['hosts'] } }
    expect(identityOf(whole, nested).role).toBe('admin')
    for (const rolesClaim of ['constructor.name', '__proto__', 'realm_access.roles.length'])
      expect(identityOf(payload, { ...nested, rolesClaim, hostRole: 'Object' }).role).toBe('member')
    expect(identityOf({ sub: 's' }, nested).tenant).toBeUndefined()
    expect(() => identityOf({ sub: 's', org: { id: 'a.b' } }, nested)).toThrow('no name of one')
  })

  it('by the first name that can be shown', () => {
    const names = { name: 'Ada\u202e', preferred_username: ' ada ' }
    expect(identityOf({ sub: 's', ...names }, config).name).toBe('ada')
    expect(identityOf({ sub: 's', name: 7 }, config).name).toBeUndefined()
  })
})

describe('REQ-W5: an ID token', () => {
  const now = 1_800_000_000_000
  const seconds = now / 1000
  const nonce = 'n'.repeat(16)
  const ours = { ...config, clientId: 'parley' }
  const claims = { sub: 's', name: 'Ada', groups: ['hosts'], nonce }
  let pair: Awaited<ReturnType<typeof generateKeyPair>>
  let other: Awaited<ReturnType<typeof generateKeyPair>>
  /** What the provider answers; undefined: it does not. */
  let provider: { issuer: string; keys: object[] } | undefined

  beforeAll(async () => {
    pair = await generateKeyPair('ES256', { extractable: true })
    other = await generateKeyPair('ES256')
  })
  beforeEach(async () => {
    provider = { issuer: config.issuer, keys: [await exportJWK(pair.publicKey)] }
    jest.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
      if (!provider) throw new TypeError('fetch failed')
      const { issuer, keys } = provider
      const found = String(url).endsWith('/.well-known/openid-configuration')
      return Response.json(found ? { issuer, jwks_uri: `${issuer}/keys` } : { keys })
    })
  })
  afterEach(() => {
    jest.restoreAllMocks()
  })

  const signed = (
    more: object,
    aud: string | string[] = 'parley',
    iss = config.issuer,
    header: { alg: string; kid?: string } = { alg: 'ES256' },
  ) =>
    new SignJWT({ ...claims, ...more })
      .setProtectedHeader(header)
      .setIssuer(iss)
      .setAudience(aud)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + 300)
  const verify = async (token: string | Promise<string>) =>
    oidcOf(ours, () => now).verify(await token, nonce)

  it('of the provider, for us and for this sign-in, says who somebody is', async () => {
    expect(await verify(signed({}).sign(pair.privateKey))).toMatchObject({
      role: 'host',
      name: 'Ada',
    })
    const several = signed({ azp: 'parley' }, ['parley', 'other'])
    expect(await verify(several.sign(pair.privateKey))).toMatchObject({ role: 'host' })
  })

  it('of anybody else, for anybody else, of another sign-in or of yesterday says nothing', async () => {
    const publicKey = new TextEncoder().encode(await exportSPKI(pair.publicKey))
    const unsigned = new UnsecuredJWT(claims)
      .setIssuer(config.issuer)
      .setAudience('parley')
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + 300)
    const tokens = {
      'signed by nobody': unsigned.encode(),
      'signed with the public key': signed({}, 'parley', config.issuer, { alg: 'HS256' }).sign(
        publicKey,
      ),
      'signed by somebody else': signed({}).sign(other.privateKey),
      'of another key': signed({}, 'parley', config.issuer, { alg: 'ES256', kid: 'new' }).sign(
        other.privateKey,
      ),
      'of another issuer': signed({}, 'parley', 'https://evil.example.com').sign(pair.privateKey),
      'for another client': signed({}, 'other').sign(pair.privateKey),
      'given to another of several clients': signed({ azp: 'other' }, ['parley', 'other']).sign(
        pair.privateKey,
      ),
      'given to another client, for us alone': signed({ azp: 'other' }).sign(pair.privateKey),
      'for several, given to nobody': signed({}, ['parley', 'other']).sign(pair.privateKey),
      'of another sign-in': signed({ nonce: 'm'.repeat(16) }).sign(pair.privateKey),
      'without the nonce that is said': signed({ nonce: undefined }).sign(pair.privateKey),
      'of a time to come': signed({})
        .setIssuedAt(seconds + 3600)
        .sign(pair.privateKey),
      'not good yet': signed({})
        .setNotBefore(seconds + 3600)
        .sign(pair.privateKey),
      'of nobody': signed({ sub: undefined }).sign(pair.privateKey),
      'no token': 'x.y.z',
    }
    for (const [what, token] of Object.entries(tokens))
      expect({ what, code: await verify(token).catch(({ code }) => code) }).toEqual({
        what,
        code: 'unauthenticated',
      })
    const old = signed({}).setExpirationTime(seconds - 61)
    await expect(verify(old.sign(pair.privateKey))).rejects.toMatchObject({ code: 'token-expired' })
    const anHour = signed({}).setExpirationTime(seconds - 3600)
    await expect(verify(anHour.sign(pair.privateKey))).rejects.toMatchObject({
      message: expect.stringContaining('ended 60 min ago'),
    })
  })

  it('that does not say with which of several keys it was signed says nothing', async () => {
    provider?.keys.push(await exportJWK(other.publicKey))
    const token = signed({}).sign(pair.privateKey)
    await expect(verify(token)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('that was renewed may have no nonce, and is taken where none is said', async () => {
    const renewed = await signed({ nonce: undefined }).sign(pair.privateKey)
    const { verify } = oidcOf(ours, () => now)
    expect(await verify(renewed, undefined)).toMatchObject({ role: 'host' })
    const first = await signed({}).sign(pair.privateKey)
    await expect(verify(first, undefined)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('is not judged while the provider cannot be asked, or is another one; and is afterwards', async () => {
    const token = await signed({}).sign(pair.privateKey)
    const { verify } = oidcOf(ours, () => now)
    const there = provider
    provider = undefined
    await expect(verify(token, nonce)).rejects.toMatchObject({ code: 'unavailable' })
    provider = { issuer: 'https://evil.example.com', keys: there?.keys ?? [] }
    await expect(verify(token, nonce)).rejects.toMatchObject({ code: 'unavailable' })
    provider = there
    expect(await verify(token, nonce)).toMatchObject({ role: 'host' })
  })
})
