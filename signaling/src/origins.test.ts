import { describe, expect, it } from '@jest/globals'
import { originAllowed } from './origins.ts'

const policy = { allowed: ['https://a.example'], domain: 'meet.example' }

describe('originAllowed', () => {
  it.each<[string, string | undefined, boolean]>([
    ['no origin', undefined, true],
    ['a listed one', 'https://a.example', true],
    ['the public domain', 'https://meet.example', true],
    ['its own host', 'http://server:8080', true],
    ['another scheme of a listed one', 'http://a.example', false],
    ['a longer name', 'https://a.example.evil', false],
    ['another port of its own host', 'http://server:8081', false],
    ['a sandboxed page', 'null', false],
    ['nonsense', '%', false],
  ])('%s: %s → %s', (_what, origin, allowed) => {
    const headers = { host: 'server:8080', ...(origin !== undefined && { origin }) }
    expect(originAllowed(headers, policy)).toBe(allowed)
  })

  it('all of them with *', () => {
    expect(originAllowed({ origin: 'https://evil', host: 'x' }, { allowed: '*' })).toBe(true)
  })
})
