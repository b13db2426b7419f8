import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { identityOf } from './oidc.ts'

const config = {
  issuer: 'https://id.example.com',
  rolesClaim: 'groups',
  hostRole: 'hosts',
  adminRole: 'admins',
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

  it('by the first name that can be shown', () => {
    const names = { name: 'Ada\u202e', preferred_username: ' ada ' }
    expect(identityOf({ sub: 's', ...names }, config).name).toBe('ada')
    expect(identityOf({ sub: 's', name: 7 }, config).name).toBeUndefined()
  })
})
