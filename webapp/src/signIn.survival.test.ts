import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Signaling } from '@parley/signaling'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from './testing/chromium.ts'
import { type Issuer, startIssuer } from './testing/issuer.ts'
import { startMeetingRig } from './testing/meetingRig.ts'
import { inCallWith, inState } from './testing/pages.ts'

/** The built page in real Chromium, before an identity provider with pages of its own, on loopback. */
describe('REQ-W5: people who sign in', () => {
  let rig: Awaited<ReturnType<typeof startMeetingRig>>
  let server: Signaling
  let issuer: Issuer
  let browser: Browser
  const problems: string[] = []

  beforeAll(async () => {
    ;[browser, rig] = await Promise.all([launchChromium(), startMeetingRig(4)])
    // The provider has to know where the page is, and the server where the provider is.
    const before = await rig.start(0)
    await before.close()
    issuer = await startIssuer({
      sites: [before.url],
      people: { ann: { name: 'Ann', groups: ['hosts'] }, eve: { name: 'Eve', groups: [] } },
    })
    server = await rig.start(Number(new URL(before.url).port), {
      PARLEY_AUTH_MODE: 'OIDC',
      PARLEY_GUESTS: 'Knock',
      PARLEY_OIDC_ISSUER: issuer.url,
      PARLEY_OIDC_CLIENT_ID: 'parley',
      PARLEY_OIDC_ROLES_CLAIM: 'groups',
      PARLEY_OIDC_HOST_ROLE: 'hosts',
      PARLEY_OIDC_MEMBER_ROLE: 'staff',
    })
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await issuer?.close()
    await rig?.clean()
  }, 30_000)

  const open = async (path: string) => {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      // Of the page alone, a violation of its Content-Security-Policy say; the provider's are its own.
      if (message.type() === 'error' && message.location().url.startsWith(server.url))
        problems.push(message.text())
    })
    await page.goto(`${server.url}${path}`)
    return page
  }
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const needed = 'Meetings here are for people who have signed in.'
  /** On the pages of the provider. */
  const signIn = async (page: Page, login: string) => {
    await button(page, 'Sign in').click()
    await page.locator('input[name=login]').fill(login)
    await page.locator('input[name=password]').fill('x')
    await page.locator('button[type=submit]').click()
    // What is asked for, which they allow.
    await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' })
    await page.locator('button[type=submit]').click()
  }

  it('come back to their room by the name they have there, and in as what they are there', async () => {
    const path = '/r/standup#e2ee=AAAAAAAAAAAAAAAAAAAAAA'
    const ann = await open(path)
    await ann.getByText(needed).waitFor()
    expect(await button(ann, 'Join now').count()).toBe(0)
    await signIn(ann, 'ann')
    await ann.getByText('Signed in as Ann').waitFor()
    expect(ann.url()).toBe(`${server.url}${path}`)
    expect(await ann.getByLabel('Your name').count()).toBe(0)
    await button(ann, 'Join now').click()
    await inState(ann, 'joined')

    // Who has no role there is a guest, and knocks; a host has the key to the door.
    const eve = await open(path)
    await signIn(eve, 'eve')
    await button(eve, 'Join now').click()
    await eve.getByRole('heading', { name: 'Waiting to be let in' }).waitFor()
    await ann.getByRole('alert').getByText('Eve would like to come in').waitFor()
    await button(ann, 'Let in').click()
    await Promise.all([ann, eve].map((page) => inCallWith(page, 1)))
    expect(await eve.evaluate(async () => (await window.__parley?.peers())?.[0]?.name)).toBe('Ann')

    // After a refresh they are back without signing in again.
    await ann.reload()
    await Promise.all([ann, eve].map((page) => inCallWith(page, 1)))
    expect({ problems, errors: issuer.errors }).toEqual({ problems: [], errors: [] })
    await Promise.all([ann, eve].map((page) => page.context().close()))
  }, 120_000)

  it('and who cancels, signs out, or comes back a second time is told so and has a way on', async () => {
    const page = await open('/r/standup')
    await button(page, 'Sign in').click()
    await page.getByText('Cancel').click()
    await page.getByRole('heading', { name: 'You are not signed in' }).waitFor()
    await page.getByText('it was cancelled').waitFor()
    await button(page, 'Back').click()
    await page.getByText(needed).waitFor()
    expect(new URL(page.url()).pathname).toBe('/r/standup')

    await signIn(page, 'ann')
    await button(page, 'Sign out').click()
    await page.waitForURL(`${issuer.url}/**`)
    await page.goto(`${server.url}/r/standup`)
    await page.getByText(needed).waitFor()

    await page.goto(`${server.url}/signed-in?code=x&state=y`)
    await page.getByText('was not begun in this tab').waitFor()
    expect({ problems, errors: issuer.errors }).toEqual({ problems: [], errors: [] })
    await page.context().close()
  }, 120_000)
})
