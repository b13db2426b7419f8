import { displayNameSchema, mediaStateSchema, slugSchema } from '@parley/protocol'
import { z } from 'zod'

/** What a page has to know to be back in its call after a refresh (REQ-P26 to P29). */
const rememberedSchema = z.object({
  room: slugSchema,
  name: displayNameSchema,
  media: mediaStateSchema,
})
export type RememberedCall = z.infer<typeof rememberedSchema>

const callKey = 'parley.call'
const nameKey = 'parley.name'

/** The call that this tab is in, kept in its session storage. */
export class CallMemory {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

  constructor(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>) {
    this.#storage = storage
  }

  remember(call: RememberedCall): void {
    this.#storage.setItem(callKey, JSON.stringify(call))
  }

  recall(): RememberedCall | undefined {
    try {
      const parsed = rememberedSchema.safeParse(JSON.parse(this.#storage.getItem(callKey) ?? ''))
      return parsed.success ? parsed.data : undefined
    } catch {
      return undefined
    }
  }

  forget(): void {
    this.#storage.removeItem(callKey)
  }
}

/** The name used last, on this device. */
export const ownName = {
  read: (storage: Pick<Storage, 'getItem'>) => storage.getItem(nameKey) ?? '',
  write: (storage: Pick<Storage, 'setItem'>, name: string) => storage.setItem(nameKey, name),
}
