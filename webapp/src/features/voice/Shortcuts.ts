import { baseName, type KeyPress, keyName } from './keys.ts'
import { type Bindings, type ShortcutAction, shortcutActions } from './shortcutBindings.ts'

/** A key event, and where it happened. */
export type KeyInput = KeyPress & {
  repeat: boolean
  /** In a text field, a list or a dialog, where keys mean something else. */
  typing: boolean
  /** On a control that the keyboard is on: Space is its own. */
  onControl: boolean
}

type Held = { pressed(): void; released(): void }

/** What actions do: once for each press, or for as long as the key is held. */
export type ShortcutHandlers = Partial<Record<ShortcutAction, (() => void) | Held>>

/** Keys become what they are bound to, at once (REQ-P18). */
export class Shortcuts {
  readonly #bindings: () => Bindings
  readonly #handlers: ShortcutHandlers
  #held: { base: string; handler: Held } | undefined

  constructor(bindings: () => Bindings, handlers: ShortcutHandlers) {
    this.#bindings = bindings
    this.#handlers = handlers
  }

  /** @returns whether the key was a shortcut, and must not do anything else */
  down(input: KeyInput): boolean {
    // A held key repeats itself; nor may the page scroll for that.
    if (this.#held && baseName(input) === this.#held.base) return true
    if (input.typing) return false
    const name = keyName(input)
    if (name === undefined || (name === 'Space' && input.onControl)) return false
    const bindings = this.#bindings()
    const action = shortcutActions.find((one) => bindings[one] === name)
    const handler = action && this.#handlers[action]
    if (!handler) return false
    if (input.repeat) return true
    if (typeof handler === 'function') handler()
    else this.#hold(input, handler)
    return true
  }

  /** @returns as {@link down} does */
  up(input: KeyPress): boolean {
    if (!this.#held || baseName(input) !== this.#held.base) return false
    this.letGo()
    return true
  }

  /** The page hears of keys no more: whatever is held counts as released. */
  letGo(): void {
    const held = this.#held
    this.#held = undefined
    held?.handler.released()
  }

  #hold(input: KeyPress, handler: Held): void {
    this.letGo()
    this.#held = { base: baseName(input) ?? '', handler }
    handler.pressed()
  }
}

/** @returns a key event with what is known of its place in the page */
export function keyInputOf(event: KeyboardEvent): KeyInput {
  const place = event.target instanceof Element ? event.target : undefined
  const { key, code, ctrlKey, altKey, shiftKey, metaKey, repeat } = event
  return {
    key: event.isComposing ? 'Process' : key,
    code,
    ctrlKey,
    altKey,
    shiftKey,
    metaKey,
    repeat,
    typing: place?.closest(typingPlaces) != null,
    onControl: place?.closest(controls)?.matches(':focus-visible') ?? false,
  }
}

const typingPlaces =
  'input, textarea, select, [contenteditable], [role=textbox], [role=dialog], [role=listbox], [role=menu]'
const controls = 'button, a, summary, [role=button], [role=switch], [role=tab], [role=slider]'
