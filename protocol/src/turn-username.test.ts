import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { formatTurnUsername, parseTurnUsername } from './turn-username.ts'

/** Of the form, or off by a little. */
const nearly = fc.stringMatching(/^[0-9]{1,13}:[a-z0-9_-]{0,4}(\.[a-z0-9_ :.-]{1,4}){1,3}$/)
const part = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)

describe('TURN usernames', () => {
  it('REQ-K5: every identity reads back as written', () => {
    fc.assert(
      fc.property(fc.nat(4_000_000_000), part, part, part, (expiry, tenant, room, participant) => {
        const identity = { tenant, room, participant }
        expect(parseTurnUsername(formatTurnUsername(expiry, identity))).toEqual({
          expiryEpochSeconds: expiry,
          identity,
        })
      }),
    )
  })

  it('REQ-K5: a username of another form is undefined, never half read', () => {
    for (const username of [
      '',
      'alice',
      '1700000000',
      '1:a.b',
      '1:a.b.c.d',
      'x:a.b.c',
      '1:a b.c.d',
    ])
      expect(parseTurnUsername(username)).toBeUndefined()
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (username) => {
        const parsed = parseTurnUsername(username)
        if (parsed)
          expect(formatTurnUsername(parsed.expiryEpochSeconds, parsed.identity)).toBe(
            username.replace(/^0+(?=\d)/, ''),
          )
      }),
    )
  })
})
