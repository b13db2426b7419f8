import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { joinResponseSchema, pageConfigSchema } from '@parley/protocol'
import { parseConfig, type Signaling, startSignaling } from '@parley/signaling'
import { type Issuer, startIssuer, visitor } from '../../testing/issuer.ts'
import { OidcClient } from './OidcClient.ts'
import { SignIn } from './SignIn.ts'
import { SignInMemory } from './signInMemory.ts'
import { initialSignIn, type SignInState } from './signInState.ts'

// Servers on a machine that may be busy.
jest.setTimeout(120_000)

const people = {
  ann: { name: 'Ann', groups: ['hosts', 'others'] },
  ada: { name: 'Ada', groups: ['admins'] },
  bob: { name: 'Bob', groups: ['staff'] },
  eve: { name: 'Eve', groups: [] },
}
const site = 'http://127.0.0.1:1'

let folder: string
let issuer: Issuer
let server: Signaling

async function startServer(): Promise<Signaling> {
  const file = async (name: string, content: string) => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  return startSignaling(
    parseConfig({
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'silent',
      PARLEY_TURN_SECRET_FILE: await file('turn-secret', 'a secret of this test alone'),
      PARLEY_JOIN_KEY_FILE: await file('join-key', 'a key of this test alone, long enough'),
      PARLEY_TURN_ENDPOINTS_FILE: await file('endpoints', '{"urls":["turn:127.0.0.1:9"]}'),
      PARLEY_AUTH_MODE: 'OIDC',
      PARLEY_GUESTS: 'Refuse',
      PARLEY_OIDC_ISSUER: issuer.url,
      PARLEY_OIDC_CLIENT_ID: 'parley',
      PARLEY_OIDC_SCOPE: 'openid profile offline_access',
      PARLEY_OIDC_ROLES_CLAIM: 'groups',
      PARLEY_OIDC_HOST_ROLE: 'hosts',
      PARLEY_OIDC_ADMIN_ROLE: 'admins',
      PARLEY_OIDC_MEMBER_ROLE: 'staff',
    }),
  )
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-sign-in-'))
  issuer = await startIssuer({ sites: [site], people, clients: ['parley', 'other'] })
  server = await startServer()
})
afterAll(async () => {
  await server?.close()
  await issuer?.close()
  await rm(folder, { recursive: true, force: true })
})

/** A tab of the page, without the page: what it keeps, where it was sent to, and who it shows itself as. */
function tab(clientId?: string) {
  const items = new Map<string, string>()
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
  const memory = new SignInMemory(() => storage)
  let state: SignInState = initialSignIn
  let sentTo = ''
  const signIn = new SignIn({
    cell: {
      get: () => state,
      set: (patch) => {
        state = { ...state, ...patch }
      },
    },
    memory,
    async loadConfig() {
      const response = await fetch(`${server.url}/api/config`)
      const config = pageConfigSchema.parse(await response.json())
      if (clientId !== undefined && config.auth.mode === 'OIDC') config.auth.clientId = clientId
      return { config, serverAheadMs: 0 }
    },
    loadClient: async (provider, now) =>
      new OidcClient({
        ...{ provider, memory, now, origin: site },
        go: (url) => {
          sentTo = url
        },
      }),
    now: Date.now,
  })
  const join = async (room = 'r') => {
    const response = await fetch(`${server.url}/api/rooms/${room}/join`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Nobody', ...(await signIn.identity()) }),
    })
    const body = await response.json()
    if (!response.ok) return (body as { code: string }).code
    const { name, role } = joinResponseSchema.parse(body)
    return `${name} ${role}`
  }
  const admin = async () => {
    const response = await fetch(`${server.url}/api/admin/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(await signIn.identity()),
    })
    const body = (await response.json()) as { code?: string; tenant?: string; name?: string }
    return response.ok ? `${body.name} of ${body.tenant}` : body.code
  }
  return {
    signIn,
    memory,
    join,
    admin,
    state: () => state,
    sentTo: () => sentTo,
    async come(login: string, person = visitor()) {
      await signIn.begin('/r/r#key=1')
      return signIn.complete(await person.signIn(sentTo, login, `${site}/signed-in`))
    },
  }
}

describe('REQ-W5: signing in at an identity provider', () => {
  it('the page learns where, and nobody joins without', async () => {
    const { signIn, state, join } = tab()
    await signIn.look()
    expect(state()).toMatchObject({ offered: true, person: undefined })
    expect(await join()).toBe('sign-in-needed')
  })

  it.each([
    ['ann', 'Ann host'],
    ['ada', 'Ada admin'],
    ['bob', 'Bob member'],
    // Who has no role there is a guest, and these are refused here.
    ['eve', 'invite-needed'],
  ])('%s comes back to where they were, and joins as %s', async (login, expected) => {
    const here = tab()
    expect(await here.come(login)).toEqual({ done: true, path: '/r/r#key=1' })
    expect(here.state()).toMatchObject({ busy: false, problem: undefined })
    expect(here.state().person?.name?.toLowerCase()).toBe(login)
    expect(await here.join()).toBe(expected)
    expect(issuer.errors).toEqual([])
  })

  it.each([
    ['ada', 'Ada of default'],
    ['ann', 'forbidden'],
    ['bob', 'forbidden'],
  ])('REQ-G2: the admin page is for admins: %s, %s', async (login, expected) => {
    const here = tab()
    expect(await here.admin()).toBe('sign-in-needed')
    await here.come(login)
    expect(await here.admin()).toBe(expected)
  })

  it('what is in the address is good for one time, and for the tab that asked', async () => {
    const here = tab()
    await here.signIn.begin('/')
    const back = await visitor().signIn(here.sentTo(), 'ann', `${site}/signed-in`)
    const other = tab()
    expect(await other.signIn.complete(back)).toMatchObject({ done: false })
    expect(other.state().problem).toBe('stale')
    await other.signIn.begin('/')
    await other.signIn.complete(back)
    expect(other.state().problem).toBe('not-ours')
    expect(await here.signIn.complete(back)).toMatchObject({ done: true })
    expect(await here.signIn.complete(back)).toMatchObject({ done: false })
    expect(here.state().problem).toBe('stale')
  })

  it('who cancels is told so, and is nobody', async () => {
    const here = tab()
    expect(await here.come('cancel')).toEqual({ done: false, path: '/r/r#key=1' })
    expect(here.state()).toMatchObject({ problem: 'denied', person: undefined })
    expect(await here.join()).toBe('sign-in-needed')
  })

  it('a token for another client of the same provider is refused by the server', async () => {
    const here = tab('other')
    expect(await here.come('ada')).toMatchObject({ done: true })
    expect(await here.join()).toBe('unauthenticated')
  })

  it('a token that is over is renewed without anybody being asked, for the same person', async () => {
    const here = tab()
    await here.come('ann')
    const first = here.memory.signedIn()
    if (!first) throw new Error('nobody is signed in')
    here.memory.keep({ ...first, expiresAtMs: Date.now() - 1000 })
    expect(await here.join()).toBe('Ann host')
    const second = here.memory.signedIn()
    expect(second?.expiresAtMs).toBeGreaterThan(Date.now())
    expect(second?.subject).toBe('ann')
    here.memory.keep({ ...first, expiresAtMs: 0, refreshToken: 'none of theirs' })
    expect(await here.join()).toBe('sign-in-needed')
    expect(here.state().person).toBeUndefined()
  })

  it('signing out ends it here and at the provider, which comes back to the start page', async () => {
    const here = tab()
    await here.come('ann')
    await here.signIn.signOut('/r/r')
    const left = new URL(here.sentTo())
    expect(left.origin).toBe(issuer.url)
    expect(left.searchParams.get('post_logout_redirect_uri')).toBe(`${site}/`)
    expect((await fetch(left)).status).toBe(200)
    expect(here.state().person).toBeUndefined()
    expect(await here.join()).toBe('sign-in-needed')
  })

  it('with the provider away who signed in joins on, and who did not is told', async () => {
    const ann = tab()
    await ann.come('ann')
    expect(await ann.join()).toBe('Ann host')
    const port = Number(new URL(issuer.url).port)
    await issuer.close()
    try {
      expect(await ann.join()).toBe('Ann host')
      const bob = tab()
      await bob.signIn.begin('/')
      expect(bob.state()).toMatchObject({ busy: false, problem: 'away' })
    } finally {
      issuer = await startIssuer({ port, sites: [site], people })
    }
  })
})
