import { hkdfSync, webcrypto } from 'node:crypto'
import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { Encryption } from './Encryption.ts'
import { callEncryption, type EncryptedPeer, peerEncryption } from './encryptionState.ts'
import {
  deriveRoomKey,
  newSecret,
  type RoomKey,
  secretFromText,
  secretOf,
  withSecret,
} from './roomKey.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

const subtle = webcrypto.subtle as unknown as SubtleCrypto
const random = (bytes: Uint8Array) => webcrypto.getRandomValues(bytes)

const secrets = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => newSecret(() => bytes))
const rooms = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)

describe('the secret in a link', () => {
  it('REQ-W5: is read from a whole link, from its end, or alone, beside an invitation', () => {
    fc.assert(
      fc.property(secrets, rooms, fc.stringMatching(/^[\w.-]{0,40}$/), (secret, room, invite) => {
        const fragment = withSecret(invite === '' ? '' : `#invite=${invite}`, secret)
        expect(secretOf(fragment)).toBe(secret)
        expect(new URLSearchParams(fragment.slice(1)).get('invite') ?? '').toBe(invite)
        expect(secretFromText(` https://meet.example/r/${room}${fragment}\n`)).toBe(secret)
        expect(secretFromText(secret)).toBe(secret)
      }),
      { numRuns: 200 },
    )
  })

  it('is none where it is cut short, or something else', () => {
    for (const text of ['', '#', '#e2ee=', '#e2ee=short', '#invite=x', 'https://meet.example/r/a'])
      expect([secretOf(text), secretFromText(text)]).toEqual([null, null])
  })
})

describe('the key of a room', () => {
  it('is HKDF-SHA-256 of the secret, with the room in it', async () => {
    const { material } = await deriveRoomKey(subtle, 'standup', 'AAECAwQFBgcICQoLDA0ODw')
    const secret = Uint8Array.from({ length: 16 }, (_, index) => index)
    const expected = hkdfSync('sha256', secret, 'parley e2ee 1', 'media standup', 32)
    expect(Buffer.from(material)).toEqual(Buffer.from(expected))
  })

  it('is the same for the same link, and another one for any other secret or room', async () => {
    await fc.assert(
      fc.asyncProperty(secrets, secrets, rooms, rooms, async (secret, other, room, elsewhere) => {
        fc.pre(secret !== other && room !== elsewhere)
        const [key, again, foreign, next] = await Promise.all([
          deriveRoomKey(subtle, room, secret),
          deriveRoomKey(subtle, room, secret),
          deriveRoomKey(subtle, room, other),
          deriveRoomKey(subtle, elsewhere, secret),
        ])
        const hex = ({ material }: RoomKey) => Buffer.from(material).toString('hex')
        expect([hex(again), again.mark, again.index]).toEqual([hex(key), key.mark, key.index])
        expect(new Set([hex(key), hex(foreign), hex(next)]).size).toBe(3)
        expect(new Set([key.mark, foreign.mark, next.mark]).size).toBe(3)
        // The server is told the mark: nothing of the key is in it.
        expect(hex(key)).not.toContain(Buffer.from(key.mark, 'base64url').toString('hex'))
        expect(key.index).toBeLessThan(16)
      }),
      { numRuns: 100 },
    )
  })
})

function page(hash: string, possible = true) {
  const address = { hash }
  const state = { mark: null as string | null, possible }
  const encryption = new Encryption({
    state: { get: () => state, set: (patch) => Object.assign(state, patch) },
    subtle,
    random,
    fragment: {
      get: () => address.hash,
      set: (fragment) => {
        address.hash = fragment
      },
    },
  })
  return { encryption, address, mark: () => state.mark }
}

describe('Encryption', () => {
  it('has the key of the address, tells when it is another one, and none where there is none', async () => {
    const { encryption, address, mark } = page('#e2ee=AAECAwQFBgcICQoLDA0ODw')
    const told: (string | undefined)[] = []
    encryption.onKey((key) => told.push(key?.mark))
    await encryption.follow('standup')
    const first = mark()
    expect([first, (await encryption.key())?.mark]).toEqual([expect.any(String), first])
    await encryption.follow('standup')
    address.hash = ''
    await encryption.follow('standup')
    expect(told).toEqual([first, undefined])
    expect([mark(), await encryption.key()]).toEqual([null, undefined])
  })

  it('a new key has another place in the ring than the one before, and is in the address', async () => {
    const { encryption, address } = page('#invite=abc&e2ee=AAECAwQFBgcICQoLDA0ODw')
    await encryption.follow('standup')
    for (let times = 0; times < 40; times++) {
      const before = await encryption.key()
      await encryption.renew()
      const now = await encryption.key()
      expect(now?.index).not.toBe(before?.index)
      expect(now?.mark).not.toBe(before?.mark)
    }
    expect(address.hash).toMatch(/^#invite=abc&e2ee=[\w-]{22}$/)
  })

  it('a browser that cannot encrypt has no key, so that others see that it has none', async () => {
    const { encryption, mark } = page('#e2ee=AAECAwQFBgcICQoLDA0ODw', false)
    await encryption.follow('standup')
    expect([mark(), await encryption.key()]).toEqual([null, undefined])
  })
})

const marks = fc.constantFrom(null, 'mark-a', 'mark-b')
const ways = fc.array(fc.record({ sfu: fc.boolean(), mark: marks }), { maxLength: 6 })
const peer = (sfu: boolean, mark: string | null): EncryptedPeer => ({
  id: 'p-1',
  name: 'Kofi',
  sfu,
  media: { audio: true, video: true, ...(mark !== null && { e2ee: mark }) },
})

describe('what is said of a call', () => {
  it('REQ-W5: it is called encrypted from end to end only where it is, with everybody', () => {
    fc.assert(
      fc.property(marks, ways, (mark, others) => {
        const all = others.map((other) => peer(other.sfu, other.mark))
        const { kind } = callEncryption(mark, all)
        const each = all.map((one) => peerEncryption(mark, one))
        if (kind === 'key' || kind === 'direct')
          expect(each.filter((one) => one === 'open' || one === 'locked')).toEqual([])
        if (each.includes('locked')) expect(['missing', 'differs']).toContain(kind)
        if (each.includes('open')) expect(['key', 'direct']).not.toContain(kind)
        if (all.every(({ sfu, media }) => !sfu && media.e2ee === undefined) && mark === null)
          expect(kind).toBe('direct')
      }),
      { numRuns: 500 },
    )
  })

  it('who has no key is told whose key it is that is missing', () => {
    const [kofi, keyed] = [peer(true, null), peer(true, 'mark-a')]
    expect(callEncryption(null, [keyed])).toEqual({ kind: 'missing', who: ['Kofi'] })
    expect(callEncryption('mark-b', [keyed])).toEqual({ kind: 'differs', who: ['Kofi'] })
    expect(callEncryption('mark-a', [keyed, kofi])).toEqual({ kind: 'partly', who: ['Kofi'] })
    expect(callEncryption(null, [kofi])).toEqual({ kind: 'none' })
  })
})
