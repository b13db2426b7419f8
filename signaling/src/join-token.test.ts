import { describe, expect, it } from '@jest/globals'
import { roles } from '@parley/protocol'
import fc from 'fast-check'
import { decodeJwt, SignJWT } from 'jose'
import { type JoinClaims, signJoinToken, verifyJoinToken } from './join-token.ts'

const now = 1_800_000_000_000
const claims: JoinClaims = {
  participant: 'p-1',
  room: 'r',
  tenant: 't',
  name: 'Ann',
  role: 'guest',
}
const unauthenticated = { code: 'unauthenticated' }

describe('join tokens', () => {
  it('Feature: webrtc-improvements, Property 3: read back with the name that was signed', async () => {
    const slug = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 32 })
      .map((text) => text.trim())
      .filter((text) => text.length > 0 && text.length <= 64 && /^\P{Cc}*$/u.test(text))
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          participant: slug,
          room: slug,
          tenant: slug,
          name,
          role: fc.constantFrom(...roles),
        }),
        async (given) => {
          const token = await signJoinToken('key', given, now, 60)
          expect(await verifyJoinToken(['key'], token, now)).toEqual(given)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('end when they say', async () => {
    const token = await signJoinToken('key', claims, now, 60)
    expect(await verifyJoinToken(['key'], token, now + 59_000)).toEqual(claims)
    await expect(verifyJoinToken(['key'], token, now + 60_000)).rejects.toMatchObject(
      unauthenticated,
    )
  })

  it('of an older key are accepted while that key is listed', async () => {
    const token = await signJoinToken('old', claims, now, 60)
    expect(await verifyJoinToken(['new', 'old'], token, now)).toEqual(claims)
    await expect(verifyJoinToken(['new'], token, now)).rejects.toMatchObject(unauthenticated)
  })

  it('with any character changed are refused', async () => {
    const token = await signJoinToken('key', claims, now, 60)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom('A', 'z', '0', '.'),
        async (at, by) => {
          const forged = token.slice(0, at) + by + token.slice(at + 1)
          // The last character's low bits are padding: some changes of it change nothing.
          fc.pre(forged !== token && at < token.length - 1)
          await expect(verifyJoinToken(['key'], forged, now)).rejects.toMatchObject(unauthenticated)
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each<[string, Record<string, unknown>, { alg: string; exp: boolean; aud: string }]>([
    ['another audience', {}, { alg: 'HS256', exp: true, aud: 'elsewhere' }],
    ['another algorithm', {}, { alg: 'HS512', exp: true, aud: 'parley-meeting' }],
    ['no expiry', {}, { alg: 'HS256', exp: false, aud: 'parley-meeting' }],
    [
      'a room with bad characters',
      { room: 'a.b' },
      { alg: 'HS256', exp: true, aud: 'parley-meeting' },
    ],
    ['no name', { name: '' }, { alg: 'HS256', exp: true, aud: 'parley-meeting' }],
  ])('with %s are refused, though signed with the key', async (_what, changed, how) => {
    const payload = {
      ...decodeJwt(await signJoinToken('key', claims, now, 60)),
      ...changed,
      aud: how.aud,
    }
    if (!how.exp) delete payload.exp
    const token = await new SignJWT(payload)
      .setProtectedHeader({ alg: how.alg })
      .sign(new TextEncoder().encode('key'))
    await expect(verifyJoinToken(['key'], token, now)).rejects.toMatchObject(unauthenticated)
  })
})
