import { cell } from '../../state.ts'
import { loadPageConfig } from './pageConfig.ts'
import { SignIn } from './SignIn.ts'
import { SignInMemory } from './signInMemory.ts'

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
