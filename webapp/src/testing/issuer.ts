import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

export type Person = { name: string; groups: string[] }

/** An identity provider on loopback, with pages of its own: any password signs in whoever is named. */
export type Issuer = {
  url: string
  /** Errors of its own; empty where all went well. */
  errors: Error[]
  close(): Promise<void>
}

/**
 * @param port 0 takes a free one
 * @param sites where pages of clients are, `http://127.0.0.1:8080`
 */
export async function startIssuer(options: {
  port?: number
  sites: readonly string[]
  people: Readonly<Record<string, Person>>
  clients?: readonly string[]
}): Promise<Issuer> {
  const { port = 0, sites, people, clients = ['parley'] } = options
  const errors: Error[] = []
  let answer: RequestListener = (_, response) => void response.writeHead(503).end()
  const server = createServer((request, response) => answer(request, response))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const provider = new Provider(url, {
    clients: clients.map((client_id) => ({
      client_id,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: sites.map((site) => `${site}/signed-in`),
      post_logout_redirect_uris: sites.map((site) => `${site}/`),
    })),
    claims: { openid: ['sub'], profile: ['name', 'groups'] },
    conformIdTokenClaims: false,
    clientBasedCORS: (_: unknown, origin: string) => sites.includes(origin),
    cookies: { keys: ['a key of this test alone'] },
    findAccount: (_: unknown, accountId: string) =>
      people[accountId] && {
        accountId,
        claims: async () => ({ sub: accountId, ...people[accountId] }),
      },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    ttl: { IdToken: 300, AccessToken: 300, Grant: 3600, Session: 3600, Interaction: 600 },
  })
  provider.on('server_error', (_, error) => errors.push(error))
  answer = provider.callback()
  return {
    url,
    errors,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Somebody before the provider's pages, without a browser: cookies, forms and redirects, and nothing else. */
export function visitor() {
  const cookies = new Map<string, string>()

  async function ask(url: string, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }

  return {
    /**
     * Goes where a page sent them, signs in and consents.
     * @returns the address at which they are back
     */
    async signIn(url: string, login: string | 'cancel', back: string): Promise<string> {
      let at = url
      for (let step = 0; step < 20; step++) {
        if (at.startsWith(back)) return at
        let response = await ask(at)
        if (response.status === 200) {
          const page = await response.text()
          const action = /<form[^>]+action="([^"]+)"/.exec(page)?.[1] ?? ''
          const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1] ?? ''
          const form = { prompt, ...(prompt === 'login' && { login, password: 'x' }) }
          const submit = new URL(action, at).href
          response = login === 'cancel' ? await ask(`${submit}/abort`) : await ask(submit, form)
        }
        const to = response.headers.get('location')
        if (to === null) throw new Error(`${at} answered ${response.status}, with no way on`)
        at = new URL(to, at).href
      }
      throw new Error(`not back at ${back}`)
    },
  }
}
