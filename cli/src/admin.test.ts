import { describe, expect, it } from '@jest/globals'
import { verifyAdminLink, verifyAdminToken } from '@parley/signaling/admin'
import { verifyInvite } from '@parley/signaling/invite'
import { adminLink, parseAdmin } from './commands/admin.ts'

const now = 1_800_000_000_000
const options = { expires: '8h', tenant: 'default' }

describe('REQ-G2: parley admin', () => {
  it('makes a link that signaling takes, for its tenant, until it expires', async () => {
    const wanted = parseAdmin({ ...options, tenant: 'acme', name: 'Ada' })
    const made = await adminLink(wanted, 'new\nold\n', 'https://meet.example.com/', now)
    const [page, link = ''] = made.split('#link=')
    expect(page).toBe('https://meet.example.com/admin')
    const read = await verifyAdminLink(['old', 'new'], link, now + 28_799_000)
    expect(read).toMatchObject({ tenant: 'acme', name: 'Ada', expiresAtMs: now + 28_800_000 })
    const late = verifyAdminLink(['new'], link, now + 28_800_000)
    await expect(late).rejects.toMatchObject({ code: 'token-expired' })
  })

  it('it is no token and no invitation, and nothing without the key', async () => {
    const made = await adminLink(parseAdmin(options), 'key', undefined, now)
    const link = made.replace('/admin#link=', '')
    const refused = expect.objectContaining({ code: 'unauthenticated' })
    await expect(verifyAdminToken(['key'], link, now)).rejects.toEqual(refused)
    await expect(verifyInvite(['key'], link, 'room', now)).rejects.toEqual(refused)
    await expect(verifyAdminLink(['other'], link, now)).rejects.toEqual(refused)
  })

  it.each([
    [{ tenant: 'a.b' }, '--tenant'],
    [{ name: 'Ada\u0007' }, '--name'],
    [{ expires: '1s' }, '1m at least'],
  ])('%j is a mistake that is named', (changed, says) => {
    expect(() => parseAdmin({ ...options, ...changed })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(says) }),
    )
  })
})
