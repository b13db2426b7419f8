/** What a key can do, and by which one until the person says otherwise (REQ-P18). */
export const defaultBindings = {
  mute: 'M',
  camera: 'V',
  share: 'S',
  leave: 'D',
  talk: 'Space',
} as const

export type ShortcutAction = keyof typeof defaultBindings
export const shortcutActions = Object.keys(defaultBindings) as ShortcutAction[]

/** The name of a key for each action (see keyName); null: none. */
export type Bindings = Readonly<Record<ShortcutAction, string | null>>

/** Keys that every page needs, and combinations that the browser keeps for itself. */
const reserved = new Set(['Tab', 'Shift+Tab', 'Escape', 'Enter', 'F5', 'F6', 'F11', 'F12'])
const browsers = /^(Ctrl|Meta)\+(Shift\+)?[A-Z0-9]$|^Alt\+(F4|ArrowLeft|ArrowRight|D|F|E)$/
/** Move the focus, or the page. */
const moving = /^(Shift\+)?(Arrow|Page|Home$|End$|Backspace$|Delete$)/

export type Remapped =
  | { kind: 'mapped'; bindings: Bindings }
  /** `key` does that already. */
  | { kind: 'taken'; by: ShortcutAction }
  /** `key` belongs to the browser or to keyboard navigation. */
  | { kind: 'reserved' }

/** @returns the bindings with `action` on `key` (null: on none), or why that cannot be */
export function remap(bindings: Bindings, action: ShortcutAction, key: string | null): Remapped {
  if (key !== null) {
    if (reserved.has(key) || browsers.test(key) || moving.test(key)) return { kind: 'reserved' }
    const by = shortcutActions.find((other) => other !== action && bindings[other] === key)
    if (by) return { kind: 'taken', by }
  }
  return { kind: 'mapped', bindings: { ...bindings, [action]: key } }
}

/** @returns whether these can have come from {@link remap}: no key twice, none that is reserved */
export function areValid(bindings: Bindings): boolean {
  return shortcutActions.every(
    (action) => remap(bindings, action, bindings[action]).kind === 'mapped',
  )
}
