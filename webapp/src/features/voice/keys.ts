/** As much of a KeyboardEvent as names what was pressed. */
export type KeyPress = Pick<
  KeyboardEvent,
  'key' | 'code' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'
>

const modifierKeys = new Set(['Control', 'Alt', 'AltGraph', 'Shift', 'Meta', 'OS', 'CapsLock'])

/**
 * The name of a key with its modifiers: `M`, `Space`, `F8`, `Ctrl+Shift+K`.
 * Letters go by what the layout prints on them; where it prints none of A–Z, by their place.
 * @returns undefined for a modifier by itself, and while text is composed (`Dead`, `Process`)
 */
export function keyName(press: KeyPress): string | undefined {
  const base = baseName(press)
  if (base === undefined) return undefined
  const modifiers = [
    press.ctrlKey && 'Ctrl',
    press.altKey && 'Alt',
    // Of a sign like `?`, Shift is a part.
    press.shiftKey && (base.length > 1 || /[A-Z0-9]/.test(base)) && 'Shift',
    press.metaKey && 'Meta',
  ].filter((name) => name !== false)
  return [...modifiers, base].join('+')
}

/** The key itself, without its modifiers: what a release is matched by. */
export function baseName({ key, code }: KeyPress): string | undefined {
  if (modifierKeys.has(key) || ['Dead', 'Process', 'Unidentified'].includes(key)) return undefined
  if (key === ' ' || code === 'Space') return 'Space'
  if (/^[a-z]$/i.test(key)) return key.toUpperCase()
  const place = /^(?:Key([A-Z])|Digit(\d))$/.exec(code)
  if (place && (place[2] !== undefined || key.charCodeAt(0) > 127)) return place[1] ?? place[2]
  return key
}
