import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  authorities,
  type NewKey,
  renewedIdentity,
  rsaKey,
  type ServingIdentity,
} from './certificate.ts'

// Keys of RSA take their time on a busy machine.
jest.setTimeout(60_000)

const DAY = 86_400_000
const START = Date.UTC(2026, 10, 21)
const NAMES = ['metrics.parley-system.svc', 'metrics.parley-system.svc.cluster.local']

/** A few keys, in turn. */
let keys: Awaited<ReturnType<NewKey>>[]
let taken = 0
const nextKey: NewKey = async () => keys[taken++ % keys.length] ?? rsaKey()

let first: ServingIdentity
beforeAll(async () => {
  keys = await Promise.all([rsaKey(), rsaKey(), rsaKey()])
  first = (await renewedIdentity({}, NAMES, START, nextKey)) as ServingIdentity
})

const after = (days: number, current: Partial<ServingIdentity> = first, names = NAMES) =>
  renewedIdentity(current, names, START + days * DAY, nextKey)

describe('a new identity', () => {
  it('is for the names that clients call, of an authority that does nothing else', () => {
    const serving = new X509Certificate(first.certificate)
    const [ca, ...others] = authorities(first.caBundle)
    expect(others).toEqual([])
    for (const name of NAMES) expect(serving.checkHost(name)).toBe(name)
    expect(serving.checkHost('other.parley-system.svc')).toBeUndefined()
    expect(serving.ca).toBe(false)
    expect(serving.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(ca?.ca).toBe(true)
    expect(ca && serving.checkIssued(ca) && serving.verify(ca.publicKey)).toBe(true)
  })

  it('holds for clocks that are an hour behind, and not for ever', () => {
    const serving = new X509Certificate(first.certificate)
    expect(serving.validFromDate.getTime()).toBe(START - 3_600_000)
    expect(serving.validToDate.getTime()).toBe(START + 90 * DAY)
    expect(authorities(first.caBundle)[0]?.validToDate.getTime()).toBe(START + 365 * DAY)
  })
})

describe('an identity is kept', () => {
  it('while it is good for another month', async () => {
    expect(await after(0)).toBeUndefined()
    expect(await after(59)).toBeUndefined()
  })
})

describe('an identity is renewed', () => {
  it('a month before the certificate ends, by the same authority: nobody has to be told', async () => {
    const next = await after(61)
    expect(next?.caBundle).toBe(first.caBundle)
    expect(next?.certificate).not.toBe(first.certificate)
    expect(next && (await after(61, next))).toBeUndefined()
  })

  it('with a new authority long before the old one ends, which both are trusted until then', async () => {
    const old = (await after(250)) as ServingIdentity
    const both = (await after(276, old)) as ServingIdentity
    const [next, previous] = authorities(both.caBundle)
    expect(authorities(both.caBundle)).toHaveLength(2)
    expect(previous?.fingerprint256).toBe(authorities(first.caBundle)[0]?.fingerprint256)
    // Those who have not heard of the new one yet are served as before.
    expect(both.certificate).toBe(old.certificate)

    const signedByNext = (await after(320, both)) as ServingIdentity
    const serving = new X509Certificate(signedByNext.certificate)
    expect(next && serving.verify(next.publicKey)).toBe(true)
    expect(authorities(signedByNext.caBundle)).toHaveLength(2)

    const alone = (await after(381, signedByNext)) as ServingIdentity
    expect(authorities(alone.caBundle).map(({ fingerprint256 }) => fingerprint256)).toEqual([
      next?.fingerprint256,
    ])
  })

  it.each([
    ['the names are others', {}, ['renamed.parley-system.svc'], 1],
    ['the key is missing', { key: '' }, NAMES],
    ['the key is of another certificate', { key: 'caKey' }, NAMES],
    ['the certificate is none', { certificate: 'nonsense' }, NAMES],
    ['the authority is unknown', { caBundle: '', caKey: '' }, NAMES],
    ['everything has expired', {}, NAMES, 1000],
  ])('where %s', async (_, damage: Partial<ServingIdentity>, names, days = 1) => {
    const { key = first.key, ...rest } = damage
    const damaged = { ...first, ...rest, key: key === 'caKey' ? first.caKey : key }
    const next = await after(days, damaged, [...names])
    expect(next?.certificate).not.toBe(first.certificate)
    expect(next && (await after(days, next, [...names]))).toBeUndefined()
  })
})
