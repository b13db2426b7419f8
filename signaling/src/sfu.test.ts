import { describe, expect, it } from '@jest/globals'
import { decodeJwt, jwtVerify } from 'jose'
import { mintLiveKitToken, parseLiveKitKeys } from './sfu.ts'

const nowMs = 1_800_000_000_000
const who = { tenant: 't', room: 'r', participant: 'p-1', name: 'Ada' }

describe('LiveKit access tokens', () => {
  it('REQ-K8: let one participant into one room, signed by the newest key', async () => {
    const [key] = parseLiveKitKeys('new: secret-of-the-new-key\nold:secret-of-the-old-key\n')
    const token = await mintLiveKitToken(key, who, nowMs, 3600)
    expect(decodeJwt(token)).toEqual({
      iss: 'new',
      sub: 'p-1',
      name: 'Ada',
      nbf: 1_800_000_000 - 10,
      exp: 1_800_000_000 + 3600,
      video: {
        room: 't.r',
        roomJoin: true,
        canPublish: true,
        canSubscribe: true,
        canPublishData: false,
      },
    })
    const secret = new TextEncoder().encode('secret-of-the-new-key')
    await jwtVerify(token, secret, { currentDate: new Date(nowMs) })
  })

  it.each([
    ['none', '\n \n'],
    ['no secret', 'key:'],
    ['no key', ': secret'],
    ['another form', 'key=secret'],
  ])('a file of keys with %s is refused, and its content not repeated', (_, text) => {
    expect(() => parseLiveKitKeys(text)).toThrow(/line/)
    expect(() => parseLiveKitKeys(text)).not.toThrow(/secret$/)
  })
})
