import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import type { Secret } from './kubernetes.ts'
import { generateSecrets, MissingSecretKey } from './secrets.ts'

const bytes = (fill: number) => (size: number) => new Uint8Array(size).fill(fill)
const mc = meetingCluster()
const encode = (text: string) => Buffer.from(text).toString('base64')

function contents(secrets: Secret[], name: string): Record<string, string> {
  const data = secrets.find(({ metadata }) => metadata.name === name)?.data ?? {}
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  )
}

describe('secrets', () => {
  it('REQ-K3: are long and each of them different', () => {
    let next = 0
    const secrets = generateSecrets(mc, {}, (size) => new Uint8Array(size).fill(next++))
    const made = [
      contents(secrets, 'demo-turn-secret').secrets?.trim(),
      contents(secrets, 'demo-redis-auth').password,
      contents(secrets, 'demo-join-key').key,
      contents(secrets, 'demo-meter-token').token,
    ]
    expect(new Set(made).size).toBe(4)
    for (const secret of made) expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  it('REQ-K1: a key for LiveKit is there where it is the SFU, and long enough for it', () => {
    const livekit = meetingCluster({ sfu: { engine: 'LiveKit' } })
    const { keys } = contents(generateSecrets(livekit, {}, bytes(7)), 'demo-livekit-keys')
    expect(keys).toMatch(/^API[0-9a-f]{16}: [A-Za-z0-9_-]{43}\n$/)
    const existing = { 'demo-livekit-keys': { keys: encode('APInew: b\nAPIold: a\n') } }
    const kept = contents(generateSecrets(livekit, existing, bytes(7)), 'demo-livekit-keys')
    expect(kept.keys).toBe('APInew: b\nAPIold: a\n')
    const without = generateSecrets(meetingCluster({ sfu: { engine: 'None' } }), {}, bytes(7))
    expect(without.map(({ metadata }) => metadata.name)).not.toContain('demo-livekit-keys')
  })

  it('are made once: what is there stays, what is missing is added', () => {
    const first = generateSecrets(mc, {}, bytes(1))
    const [turn, ...others] = first
    const existing = Object.fromEntries(others.map(({ metadata, data }) => [metadata.name, data]))
    const again = generateSecrets(mc, existing, bytes(2))
    expect(again.slice(1)).toEqual(others)
    expect(again[0]?.data).not.toEqual(turn?.data)
  })

  it('keep a TURN secret list that has been rotated', () => {
    const existing = { 'demo-turn-secret': { secrets: encode('new\nold\n') } }
    const secrets = generateSecrets(mc, existing, bytes(1))
    expect(contents(secrets, 'demo-turn-secret').secrets).toBe('new\nold\n')
  })

  it('are made anew where somebody left only spaces and line ends', () => {
    const blank = { secrets: encode(' \n\n'), key: encode('\n'), token: encode(' '), password: '' }
    const names = ['demo-turn-secret', 'demo-join-key', 'demo-meter-token', 'demo-redis-auth']
    const existing = Object.fromEntries(names.map((name) => [name, blank]))
    expect(generateSecrets(mc, existing, bytes(3))).toEqual(generateSecrets(mc, {}, bytes(3)))
  })

  it('tell every component where the managed Redis is', () => {
    const secrets = generateSecrets(mc, {}, bytes(0))
    const { url, password, host, port } = contents(secrets, 'demo-redis-auth')
    expect(url).toBe(`redis://:${password}@demo-redis.meetings.svc:6379/0`)
    expect({ host, port }).toEqual({ host: 'demo-redis.meetings.svc', port: '6379' })
  })
})

describe('the secret of an external Redis', () => {
  const external = (redis: { url?: string; secretName?: string }, given?: Record<string, string>) =>
    contents(
      generateSecrets(
        meetingCluster({ redis: { mode: 'External', external: redis } }),
        given ? { mine: given } : {},
        bytes(0),
      ),
      'demo-redis-auth',
    )

  it.each(['redis://redis.example.com:99999', 'redis://[:]:6379'])(
    'cannot be made of %s, which is refused by name',
    (url) => {
      expect(() => external({ url })).toThrow(MissingSecretKey)
      expect(() => external({ url })).toThrow(/^spec\.redis\.external\.url is no address of Redis/)
    },
  )

  it('is made of the address in the spec and the password in the Secret named', () => {
    const redis = { url: 'redis://redis.example.com:7000/2', secretName: 'mine' }
    expect(external(redis, { password: encode('p@ss/word'), ca: encode('PEM') })).toEqual({
      url: 'redis://:p%40ss%2Fword@redis.example.com:7000/2',
      password: 'p@ss/word',
      host: 'redis.example.com',
      port: '7000',
      ca: 'PEM',
    })
  })

  it('is made of the whole address in the Secret named', () => {
    expect(external({ secretName: 'mine' }, { url: encode('redis://:pw@r') })).toEqual({
      url: 'redis://:pw@r',
      password: 'pw',
      host: 'r',
      port: '6379',
      ca: '',
    })
  })

  it('is made of a password file that ends with a line end, and of an IPv6 address', () => {
    const redis = { url: 'redis://[2001:db8::1]:7000/0', secretName: 'mine' }
    expect(external(redis, { password: encode('pw\n') })).toEqual({
      url: 'redis://:pw@[2001:db8::1]:7000/0',
      password: 'pw',
      host: '2001:db8::1',
      port: '7000',
      ca: '',
    })
  })

  it.each(['redis://:s3cret@', 'http://:s3cret@r', 's3cret'])(
    'is refused where its url is no address of Redis, without a word of it: %s',
    (url) => {
      let refusal: unknown
      try {
        external({ secretName: 'mine' }, { url: encode(url) })
      } catch (error) {
        refusal = error
      }
      expect(refusal).toBeInstanceOf(MissingSecretKey)
      expect(refusal).toMatchObject({ message: expect.stringContaining('key url of Secret mine') })
      const seen = [...Object.values(refusal as object), (refusal as Error).message]
      expect(JSON.stringify(seen)).not.toContain('s3cret')
    },
  )

  it('takes a password with a lone percent sign as it stands', () => {
    const made = external({ secretName: 'mine' }, { url: encode('redis://:50%off@r') })
    expect(made.password).toBe('50%off')
  })

  it('has no password where there is no Secret', () => {
    expect(external({ url: 'redis://r:6379' })).toMatchObject({ password: '', host: 'r' })
  })

  it.each([
    ['the Secret', undefined],
    ['its key', {}],
  ])('cannot be made without %s, and says so', (_, given) => {
    expect(() => external({ secretName: 'mine' }, given)).toThrow(MissingSecretKey)
  })
})
