import { displayName, mediaState, slug } from '../../protocolShapes.ts'
import { fields, readJson } from '../../shape.ts'
import { keep, kept } from '../../ui/kept.ts'

/** What a page has to know to be back in its call after a refresh (REQ-P26 to P29). */
const remembered = fields({ room: slug, name: displayName, media: mediaState })
export type RememberedCall = ReturnType<typeof remembered>

const callKey = 'parley.call'
const nameKey = 'parley.name'

type TabStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/** The call that this tab is in, kept in its session storage where the browser allows one. */
export class CallMemory {
  readonly #storage: () => TabStorage
  /** As it was written last; null: nothing is there. */
  #written: string | null | undefined

  /** @param storage throws where the browser keeps nothing for this site */
  constructor(storage: () => TabStorage) {
    this.#storage = storage
  }

  remember(call: RememberedCall): void {
    const text = JSON.stringify(call)
    // Asked for with every change of the page, of which hardly any is one of these.
    if (text === this.#written) return
    this.#written = text
    try {
      this.#storage().setItem(callKey, text)
    } catch {
      // Full, or not allowed: a refresh begins in the lobby.
    }
  }

  recall(): RememberedCall | undefined {
    try {
      return readJson(remembered, this.#storage().getItem(callKey))
    } catch {
      return undefined
    }
  }

  forget(): void {
    if (this.#written === null) return
    this.#written = null
    try {
      this.#storage().removeItem(callKey)
    } catch {
      // Nothing was kept.
    }
  }
}

/** The name used last, on this device. */
export const ownName = {
  read: () => kept(nameKey) ?? '',
  write: (name: string) => keep(nameKey, name),
}
