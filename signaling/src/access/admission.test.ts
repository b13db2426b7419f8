import { describe, expect, it } from '@jest/globals'
import { roles } from '@parley/protocol'
import fc from 'fast-check'
import { signJoinToken } from '../join-token.ts'
import { type AdmissionDeps, admissionOf } from './admission.ts'
import { signInvite, verifyInvite } from './invite-token.ts'
import type { Identity, Oidc } from './oidc.ts'

const now = 1_800_000_000_000
const slug = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
const host = { room: 'r', tenant: 't', role: 'host' } as const

function deps(changed: Partial<AdmissionDeps> = {}): AdmissionDeps {
  return {
    policy: { mode: 'Token', guests: 'Admit' },
    oidc: undefined,
    keys: () => ['key', 'older'],
    now: () => now,
    tenant: 'default',
    ...changed,
  }
}
const signedIn = (identity: Identity): Oidc => ({ verify: async () => identity })
const nonce = 'n'.repeat(16)

describe('REQ-W5: invitations', () => {
  it('read back as they were signed, for their room', async () => {
    const invitation = fc.record(
      {
        room: slug,
        tenant: slug,
        role: fc.constantFrom(...roles),
        name: fc.constantFrom('Ann', 'Łukasz'),
        once: fc.constant(true as const),
      },
      { requiredKeys: ['room', 'tenant', 'role'] },
    )
    await fc.assert(
      fc.asyncProperty(invitation, slug, async (given, other) => {
        const { invite, expiresAt } = await signInvite('older', given, now, 3600, 'id')
        expect(expiresAt).toBe(now / 1000 + 3600)
        const read = await verifyInvite(['key', 'older'], invite, given.room, now)
        expect(read).toEqual({ ...given, id: 'id', expiresAtMs: now + 3_600_000 })
        if (other !== given.room)
          await expect(verifyInvite(['older'], invite, other, now)).rejects.toMatchObject({
            code: 'forbidden',
          })
      }),
      { numRuns: 100 },
    )
  })

  it('with any character changed are refused', async () => {
    const { invite } = await signInvite('key', host, now, 60)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(invite.length - 2),
        fc.constantFrom('A', 'z', '0', '.'),
        async (at, by) => {
          const forged = invite.slice(0, at) + by + invite.slice(at + 1)
          fc.pre(forged !== invite)
          await expect(verifyInvite(['key'], forged, 'r', now)).rejects.toMatchObject({
            code: 'unauthenticated',
          })
        },
      ),
      { numRuns: 100 },
    )
  })

  it('end when they say, with a code of its own', async () => {
    const { invite } = await signInvite('key', host, now, 60)
    await expect(verifyInvite(['key'], invite, 'r', now + 59_000)).resolves.toMatchObject(host)
    await expect(verifyInvite(['key'], invite, 'r', now + 60_000)).rejects.toMatchObject({
      code: 'token-expired',
      message: expect.stringContaining('ask for a new one'),
    })
  })

  it('are no seats, and seats no invitations', async () => {
    const claims = {
      participant: 'p-1',
      room: 'r',
      tenant: 't',
      name: 'Ann',
      role: 'host',
    } as const
    const seat = await signJoinToken('key', claims, now, 60)
    await expect(verifyInvite(['key'], seat, 'r', now)).rejects.toMatchObject({
      code: 'unauthenticated',
    })
  })
})

describe('REQ-W5: who is let in as what', () => {
  it.each([
    ['Token', 'Admit', undefined],
    ['Token', 'Knock', undefined],
    ['Token', 'Refuse', 'invite-needed'],
    ['OIDC', 'Admit', 'sign-in-needed'],
    ['OIDC', 'Refuse', 'sign-in-needed'],
    ['OIDC', 'Knock', 'sign-in-needed'],
  ] as const)('mode %s, guests %s: a stranger gets %s', async (mode, guests, code) => {
    const asked = admissionOf({ name: 'Ann' }, 'r', deps({ policy: { mode, guests } }))
    if (code) await expect(asked).rejects.toMatchObject({ code })
    else expect(await asked).toEqual({ tenant: 'default', name: 'Ann', role: 'guest' })
  })

  it('an invitation says the role, the tenant, and the name where it has one, whoever the policy refuses', async () => {
    const policy = { mode: 'OIDC', guests: 'Refuse' } as const
    const { invite } = await signInvite('key', { ...host, name: 'Dr. Ann' }, now, 60)
    expect(await admissionOf({ name: 'x', invite }, 'r', deps({ policy }))).toEqual({
      tenant: 't',
      name: 'Dr. Ann',
      role: 'host',
    })
    await expect(
      admissionOf({ name: 'x', invite, tenant: 'other' }, 'r', deps()),
    ).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('one for one join names what is used up, and is an account that can be kept out', async () => {
    const { invite } = await signInvite('key', { ...host, once: true }, now, 60, 'id')
    expect(await admissionOf({ name: 'Ann', invite }, 'r', deps())).toMatchObject({
      account: 'invite:id',
      once: { what: 'invite:id', holder: undefined, untilMs: now + 60_000 },
    })
  })

  it('of a sign-in and an invitation the greater role counts, and the name of who signed in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...roles),
        fc.constantFrom(...roles),
        async (invited, known) => {
          const { invite } = await signInvite('key', { ...host, role: invited }, now, 60)
          const request = { name: 'x', invite, idToken: 'x', nonce }
          const admitted = (own: { tenant?: string }) => {
            const oidc = signedIn({ account: 'a', role: known, name: 'Ann', ...own })
            return admissionOf(request, 'r', deps({ oidc }))
          }
          const greater = Math.max(roles.indexOf(invited), roles.indexOf(known))
          const ann = { tenant: 't', name: 'Ann', account: 'a' }
          expect(await admitted({ tenant: 't' })).toEqual({ ...ann, role: roles[greater] })
          // Who is of no tenant is of the default one, and rules there alone.
          expect(await admitted({})).toEqual({ ...ann, role: invited })
        },
      ),
    )
  })

  it.each([
    ['guest', 'Admit', undefined],
    ['guest', 'Knock', undefined],
    ['guest', 'Refuse', 'invite-needed'],
    ['member', 'Refuse', undefined],
    ['host', 'Refuse', undefined],
  ] as const)('who signed in as %s, guests %s: %s', async (role, guests, code) => {
    const policy = { mode: 'OIDC', guests } as const
    const oidc = signedIn({ account: 'a', role, name: 'Ann' })
    const asked = admissionOf({ name: 'x', idToken: 'x', nonce }, 'r', deps({ policy, oidc }))
    if (code) await expect(asked).rejects.toMatchObject({ code })
    else expect(await asked).toMatchObject({ name: 'Ann', role, account: 'a' })
  })

  it('a tenant is one that somebody vouches for: never one that is only said', async () => {
    const known = fc.option(slug, { nil: undefined })
    await fc.assert(
      fc.asyncProperty(known, known, known, async (said, own, invited) => {
        const oidc = signedIn({ account: 'a', role: 'admin', ...(own && { tenant: own }) })
        const invite =
          invited && (await signInvite('key', { ...host, tenant: invited, role: 'guest' }, now, 60))
        const request = {
          name: 'x',
          ...(own && { idToken: 'x', nonce }),
          ...(invite && { invite: invite.invite }),
          ...(said && { tenant: said }),
        }
        const vouched = invited ?? own ?? 'default'
        const asked = admissionOf(request, 'r', deps({ oidc }))
        if (said !== undefined && said !== vouched)
          await expect(asked).rejects.toMatchObject({ code: 'forbidden' })
        else
          expect(await asked).toMatchObject({
            tenant: vouched,
            // An admin of one tenant is a guest of another.
            role: own !== undefined && own === vouched ? 'admin' : 'guest',
          })
      }),
      { numRuns: 200 },
    )
  })

  it('a sign-in where nobody signs in is a mistake that is named', async () => {
    await expect(
      admissionOf({ name: 'x', idToken: 'x', nonce }, 'r', deps()),
    ).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('idToken') })
  })
})
