import { type PageConfig, pageConfigSchema } from '@parley/protocol'
import { cell } from '../../state.ts'
import { SignIn } from './SignIn.ts'
import { SignInMemory } from './signInMemory.ts'

const answerMs = 10_000

/** What the server says of itself: asked for once, and again where that failed. */
export async function loadPageConfig(): Promise<{ config: PageConfig; serverAheadMs: number }> {
  const response = await fetch('/api/config', { signal: AbortSignal.timeout(answerMs) })
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  const serverMs = Date.parse(response.headers.get('date') ?? '')
  return {
    config: pageConfigSchema.parse(await response.json()),
    serverAheadMs: Number.isFinite(serverMs) ? serverMs - Date.now() : 0,
  }
}

const memory = new SignInMemory(() => sessionStorage)

/** This tab's. */
export const ownSignIn = new SignIn({
  cell: cell('signIn'),
  memory,
  loadConfig: loadPageConfig,
  loadClient: async (provider, now) => {
    const { OidcClient } = await import('./OidcClient.ts')
    const go = (url: string) => location.assign(url)
    return new OidcClient({ provider, memory, origin: location.origin, go, now })
  },
  now: () => Date.now(),
})

/** Where this tab is, as far as it is of this site. */
export const here = () => location.pathname + location.search + location.hash
