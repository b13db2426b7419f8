/** Where the tab keeps the link that it was opened with: in no other tab, and on no disk. */
const key = 'parley.admin-link'

type TabStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/** The link's token, from the address or from earlier in this tab; null: there was none. */
export function adminLink(hash: string, storage: () => TabStorage): string | null {
  const token = /^#link=([\w.-]+)$/.exec(hash)?.[1]
  try {
    if (token !== undefined) storage().setItem(key, token)
    return storage().getItem(key)
  } catch {
    return token ?? null // the browser keeps nothing for this site
  }
}

export function forgetAdminLink(storage: () => TabStorage): void {
  try {
    storage().removeItem(key)
  } catch {
    // What is not kept needs not go.
  }
}
