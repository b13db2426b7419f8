import { beforeAll, describe, expect, it } from '@jest/globals'
import { renewedIdentity } from './certificate.ts'
import { type FrontProxy, identityOf, isAllowedName, parseFrontProxy } from './front-proxy.ts'

let ca = ''
beforeAll(async () => {
  ca = (await renewedIdentity({}, ['a'], Date.now()))?.caBundle ?? ''
}, 60_000)

const data = () => ({
  'client-ca-file': 'of users, who are not believed here',
  'requestheader-client-ca-file': ca,
  'requestheader-allowed-names': '["front-proxy"]',
  'requestheader-username-headers': '["X-Remote-User"]',
  'requestheader-group-headers': '["X-Remote-Group"]',
  'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
})

describe('the ConfigMap of the API server', () => {
  it('says whom to believe, and how', () => {
    expect(parseFrontProxy(data())).toEqual({
      ca,
      allowedNames: ['front-proxy'],
      usernameHeaders: ['X-Remote-User'],
      groupHeaders: ['X-Remote-Group'],
      extraHeaderPrefixes: ['X-Remote-Extra-'],
    })
  })

  it.each([
    ['has no authority', { 'requestheader-client-ca-file': undefined }],
    ['has one that is no certificate', { 'requestheader-client-ca-file': 'nonsense' }],
    ['has names that are no list', { 'requestheader-allowed-names': 'front-proxy' }],
    ['has headers of another kind', { 'requestheader-username-headers': '{"a": 1}' }],
  ])('that %s is refused, with the fix', (_, change) => {
    expect(() => parseFrontProxy({ ...data(), ...change } as Record<string, string>)).toThrow(
      /extension-apiserver-authentication: .*requestheader-client-ca-file/,
    )
  })
})

const proxy: FrontProxy = {
  ca: '',
  allowedNames: ['front-proxy'],
  usernameHeaders: ['X-Remote-User'],
  groupHeaders: ['X-Remote-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-'],
}

describe('the name on a certificate', () => {
  it.each([
    ['CN=front-proxy', true],
    ['O=system:masters\nCN=front-proxy', true],
    ['CN=front-proxy-2', false],
    ['CN=other\nCN=front-proxy', false],
    ['O=CN=front-proxy', false],
    ['', false],
  ])('%j: %s', (subject, allowed) => {
    expect(isAllowedName(proxy, { subject })).toBe(allowed)
  })
})

describe('whom a request is made for', () => {
  it('has a name, groups, and extras by their decoded keys', () => {
    expect(
      identityOf(proxy, {
        'x-remote-user': ['jane'],
        'x-remote-group': ['ops', 'system:authenticated'],
        'x-remote-extra-scopes.example.com%2Fread': ['a', 'b'],
        'x-remote-extra-%': ['odd'],
        authorization: ['Bearer of something else'],
      }),
    ).toEqual({
      user: 'jane',
      groups: ['ops', 'system:authenticated'],
      extra: { 'scopes.example.com/read': ['a', 'b'], '%': ['odd'] },
    })
  })

  it.each([[{}], [{ 'x-remote-user': [''] }], [{ 'x-remote-user': ['system:anonymous'] }]])(
    'is nobody with %j',
    (headers) => {
      expect(identityOf(proxy, headers)).toBeUndefined()
    },
  )
})
