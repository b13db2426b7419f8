import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { iceServerSchema, joinRequestSchema, signalToSchema } from './meeting.ts'
import { displayNameSchema } from './name.ts'

const accepted = (name: string) => displayNameSchema.safeParse(name).success

describe('the name of a participant', () => {
  it.each(['Ada', 'Łukasz', 'علی\u200cرضا', '👩‍👩‍👧', '3', '王小明'])(
    'REQ-P3: may be %s',
    (name) => {
      expect(displayNameSchema.parse(`  ${name} `)).toBe(name)
    },
  )

  it.each([
    ['empty', ' \t'],
    ['invisible', '\u200b\u2060'],
    ['a lone accent', '\u0301'],
    ['two lines', 'Ada\nGrace'],
    ['written backwards', 'Ada \u202egrebgrub'],
    ['isolating what follows', '\u2067Ada'],
    ['half a character', 'Ada \ud83d'],
    ['too long', 'a'.repeat(65)],
  ])('REQ-P3: is never %s', (_, name) => {
    expect(accepted(name)).toBe(false)
  })

  it('REQ-P3: reads back as it was accepted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (name) => {
        const parsed = displayNameSchema.safeParse(name)
        if (!parsed.success) return
        expect(displayNameSchema.parse(parsed.data)).toBe(parsed.data)
        expect(parsed.data.trim()).not.toBe('')
      }),
    )
  })
})

describe('messages', () => {
  it('REQ-P1: an ICE server without a URL is none', () => {
    expect(iceServerSchema.safeParse({ urls: [] }).success).toBe(false)
  })

  it('of the way in are read without fields that nobody knows: pages are older or newer', () => {
    expect(joinRequestSchema.parse({ name: 'Ada', admin: true })).toEqual({ name: 'Ada' })
  })

  it('are refused with fields that nobody knows, and with ids that would break a username', () => {
    for (const tenant of ['a.b', 'a:b', 'a/b', '', 'a'.repeat(65)])
      expect(joinRequestSchema.safeParse({ name: 'Ada', tenant }).success).toBe(false)
    const candidate = { to: 'p-1', signal: { candidate: null } }
    expect(signalToSchema.safeParse(candidate).success).toBe(true)
    expect(signalToSchema.safeParse({ ...candidate, from: 'p-2' }).success).toBe(false)
    const offer = (length: number) => ({ type: 'offer', sdp: 'x'.repeat(length) })
    const signal = (length: number) => ({ to: 'p-1', signal: { description: offer(length) } })
    expect(signalToSchema.safeParse(signal(65_536)).success).toBe(true)
    expect(signalToSchema.safeParse(signal(65_537)).success).toBe(false)
  })
})
