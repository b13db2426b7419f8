import { describe, expect, it } from '@jest/globals'
import { selfSigned, tlsData } from '../testing/certificate.ts'
import { judgeCertificate, readCertificate } from './certificates.ts'

const good = selfSigned(['turn.example.com', '*.meet.example.com'])
const other = selfSigned(['turn.example.com'])
const DAY = 24 * 3600_000

const judge = (pair: { crt: string; key: string }, host = 'turn.example.com', now = Date.now()) =>
  judgeCertificate(readCertificate(tlsData(pair), host), now)

describe('a certificate', () => {
  it('REQ-K3: that is as it should be has no problem, and is looked at again when it expires', () => {
    const finding = judge(good)
    expect(finding).toEqual({ unusable: false, changesAt: expect.any(Number) })
    expect((finding.changesAt ?? 0) - Date.now()).toBeGreaterThan(28 * DAY)
  })

  it.each<[string, { crt: string; key: string }, boolean, RegExp]>([
    ['no certificate', { crt: 'nonsense', key: good.key }, true, /tls\.crt is no certificate/],
    ['no key', { crt: good.crt, key: 'nonsense' }, true, /tls\.key is no private key/],
    [
      'another key',
      { crt: good.crt, key: other.key },
      true,
      /not the key of the first certificate/,
    ],
    ['expired', selfSigned(['turn.example.com'], 0), false, /expired on \d{4}-\d\d-\d\d/],
    [
      'another name',
      selfSigned(['a.example.com', 'b.example.com']),
      false,
      /not for turn\.example\.com, but for a\.example\.com, b\.example\.com/,
    ],
    ['no name', selfSigned([]), false, /but for no name at all/],
  ])(
    'REQ-K3: with %s is named as such, and nothing of the key is said',
    (_, pair, unusable, problem) => {
      const finding = judge(pair)
      expect(finding).toMatchObject({ unusable, problem: expect.stringMatching(problem) })
      const facts = JSON.stringify(readCertificate(tlsData(pair), 'turn.example.com'))
      expect(facts).not.toContain('nonsense')
      expect(facts).not.toContain('PRIVATE')
    },
  )

  it('covers names by wildcard, one label deep', () => {
    expect(judge(good, 'a.meet.example.com').problem).toBeUndefined()
    expect(judge(good, 'a.b.meet.example.com').problem).toContain('is not for')
  })

  it('is not valid yet where a clock says so, and is looked at again then', () => {
    const finding = judge(good, 'turn.example.com', Date.now() - 2 * DAY)
    expect(finding.problem).toContain('not valid before')
    expect(finding.changesAt).toBeLessThan(Date.now())
  })

  it.each(['tls.crt', 'tls.key'])('without the key %s in its Secret: that is said', (key) => {
    const { [key]: _, ...data } = tlsData(good)
    expect(readCertificate(data, 'turn.example.com')).toEqual({ missingKey: key })
  })
})
