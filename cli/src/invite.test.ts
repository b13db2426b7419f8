import { describe, expect, it } from '@jest/globals'
import { roles } from '@parley/protocol'
import { verifyInvite } from '@parley/signaling/invite'
import fc from 'fast-check'
import { inviteLink, parseInvite } from './commands/invite.ts'

const now = 1_800_000_000_000
const options = { room: 'standup', role: 'host', expires: '24h', tenant: 'default' } as const

describe('REQ-W5: parley invite', () => {
  it('makes a link that signaling takes for what was asked, signed with the newest key', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...roles),
        fc.boolean(),
        fc.constantFrom(undefined, 'Ada'),
        async (role, once, name) => {
          const wanted = parseInvite({ ...options, role, once, ...(name && { name }) })
          const link = await inviteLink(wanted, 'new\nold\n', 'https://meet.example.com/', now)
          const [page, invite = ''] = link.split('#invite=')
          expect(page).toBe('https://meet.example.com/r/standup')
          const read = await verifyInvite(['new'], invite, 'standup', now + 86_399_000)
          expect(read).toMatchObject({ role, tenant: 'default' })
          expect([read.once, read.name]).toEqual([once || undefined, name])
          await expect(
            verifyInvite(['new'], invite, 'standup', now + 86_400_000),
          ).rejects.toMatchObject({ code: 'token-expired' })
        },
      ),
    )
  })

  it('without an address says the path', async () => {
    expect(await inviteLink(parseInvite(options), 'key', undefined, now)).toMatch(
      /^\/r\/standup#invite=ey/,
    )
  })

  it.each<[Partial<Parameters<typeof parseInvite>[0]>, string]>([
    [{ room: 'a b' }, '--room'],
    [{ tenant: 'a.b' }, '--tenant'],
    [{ name: 'Ada\u0007' }, '--name'],
    [{ expires: 'soon' }, '--expires wants'],
    [{ expires: '1s' }, '1m at least'],
    [{ expires: '3000h' }, '90 days'],
  ])('%j is a mistake that is named', (changed, says) => {
    expect(() => parseInvite({ ...options, ...changed })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(says) }),
    )
  })
})
