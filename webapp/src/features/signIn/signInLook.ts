import { loadPageConfig } from './pageConfig.ts'

/** Only who signs in pays for its code. */
const load = async () => (await import('./ownSignIn.ts')).ownSignIn

/** Learns whether people sign in here, and who has. Never rejects. */
export async function lookForSignIn(): Promise<void> {
  try {
    const { config } = await loadPageConfig()
    if (config.auth.mode === 'OIDC') await (await load()).look()
  } catch {
    // Whoever joins hears of it.
  }
}

/** That of this tab, where somebody has signed in here. */
export async function signInOfTab() {
  try {
    return sessionStorage.getItem('parley.signed-in') === null ? undefined : await load()
  } catch {
    return undefined // the browser keeps nothing for this site, or the code does not come
  }
}
