import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { TestClock } from '../../testing/TestClock.ts'
import { type KeyPress, keyName } from './keys.ts'
import { type KeyInput, type ShortcutHandlers, Shortcuts } from './Shortcuts.ts'
import {
  areValid,
  type Bindings,
  defaultBindings,
  remap,
  type ShortcutAction,
  shortcutActions,
} from './shortcutBindings.ts'

const plain = { ctrlKey: false, altKey: false, shiftKey: false, metaKey: false }
const letter = fc
  .constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789')
  .map((key) => ({ key, code: /\d/.test(key) ? `Digit${key}` : `Key${key.toUpperCase()}` }))
const other = fc.constantFrom(
  { key: ' ', code: 'Space' },
  { key: 'F8', code: 'F8' },
  { key: '?', code: 'Slash' },
  { key: 'Tab', code: 'Tab' },
  { key: 'ArrowUp', code: 'ArrowUp' },
)
const press: fc.Arbitrary<KeyPress> = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: letter }, { weight: 1, arbitrary: other }),
    fc.record({
      ctrlKey: fc.boolean(),
      altKey: fc.boolean(),
      shiftKey: fc.boolean(),
      metaKey: fc.constant(false),
    }),
    fc.boolean(),
  )
  .map(([key, modifiers, bare]) => ({ ...key, ...(bare ? plain : modifiers) }))
const input = (from: KeyPress, patch: Partial<KeyInput> = {}): KeyInput => ({
  ...from,
  repeat: false,
  typing: false,
  onControl: false,
  ...patch,
})

/** Bindings as a person comes to them: any changes that are not refused. */
const bindings: fc.Arbitrary<Bindings> = fc
  .array(fc.tuple(fc.constantFrom(...shortcutActions), fc.option(press)), { maxLength: 10 })
  .map((changes) =>
    changes.reduce<Bindings>((now, [action, key]) => {
      const changed = remap(now, action, key ? (keyName(key) ?? null) : null)
      return changed.kind === 'mapped' ? changed.bindings : now
    }, defaultBindings),
  )

function keyboard(bound: Bindings, clock = new TestClock()) {
  const acted: { action: ShortcutAction; at: number }[] = []
  const handlers = Object.fromEntries(
    shortcutActions.map((action) => [action, () => acted.push({ action, at: clock.now() })]),
  ) as ShortcutHandlers
  return { clock, acted, keys: new Shortcuts(() => bound, handlers) }
}

describe('Shortcuts', () => {
  it('Feature: webrtc-improvements, Property 18: REQ-P18: the key that an action is bound to acts within 50 ms, once, and no other does', async () => {
    await fc.assert(
      fc.asyncProperty(bindings, fc.array(press, { maxLength: 20 }), async (bound, presses) => {
        const { clock, acted, keys } = keyboard(bound)
        for (const one of presses) {
          acted.length = 0
          const at = clock.now()
          const taken = keys.down(input(one))
          keys.down(input(one, { repeat: true }))
          keys.up(one)
          await clock.advance(50)
          const expected = shortcutActions.filter((action) => bound[action] === keyName(one))
          expect(acted.map(({ action }) => action)).toEqual(expected)
          expect(taken).toBe(expected.length === 1)
          for (const { at: actedAt } of acted) expect(actedAt - at).toBeLessThanOrEqual(50)
        }
      }),
      { numRuns: 100 },
    )
  }, 60_000)

  it('REQ-P18: M, V, S, D and Space do so from the start', () => {
    const { acted, keys } = keyboard(defaultBindings)
    for (const key of ['m', 'v', 's', 'd', ' '])
      keys.down(input({ ...plain, key, code: key === ' ' ? 'Space' : `Key${key.toUpperCase()}` }))
    expect(acted.map(({ action }) => action)).toEqual(['mute', 'camera', 'share', 'leave', 'talk'])
  })

  it('REQ-P18: no action is ever on a key of another one, nor on one of the browser', () => {
    fc.assert(
      fc.property(bindings, (bound) => {
        const used = Object.values(bound).filter((key) => key !== null)
        expect(new Set(used).size).toBe(used.length)
        for (const key of used) expect(['Tab', 'Escape', 'Enter', 'ArrowUp']).not.toContain(key)
        expect(areValid(bound)).toBe(true)
      }),
      { numRuns: 200 },
    )
    expect(remap(defaultBindings, 'leave', 'M')).toEqual({ kind: 'taken', by: 'mute' })
    expect(remap(defaultBindings, 'leave', 'Ctrl+T')).toEqual({ kind: 'reserved' })
    expect(areValid({ ...defaultBindings, leave: 'M' })).toBe(false)
  })

  it('does nothing while somebody types, nor does Space on a control that the keyboard is on', () => {
    const { acted, keys } = keyboard(defaultBindings)
    const m = { ...plain, key: 'm', code: 'KeyM' }
    const space = { ...plain, key: ' ', code: 'Space' }
    expect(keys.down(input(m, { typing: true }))).toBe(false)
    expect(keys.down(input(space, { onControl: true }))).toBe(false)
    expect(keys.down(input(m, { ctrlKey: true }))).toBe(false)
    expect(acted).toEqual([])
    expect(keys.down(input(m, { onControl: true }))).toBe(true)
  })

  it.each([
    [{ key: 'M', code: 'KeyM', shiftKey: true }, 'Shift+M'],
    [{ key: 'ь', code: 'KeyM' }, 'M'], // where the layout has no Latin letters, the place counts
    [{ key: 'q', code: 'KeyA' }, 'Q'], // where it has them, the letter does
    [{ key: '?', code: 'Slash', shiftKey: true }, '?'],
    [{ key: '!', code: 'Digit1', shiftKey: true }, 'Shift+1'],
    [{ key: ' ', code: 'Space' }, 'Space'],
    [{ key: 'F9', code: 'F9', altKey: true }, 'Alt+F9'],
    [{ key: 'Shift', code: 'ShiftLeft', shiftKey: true }, undefined],
    [{ key: 'Process', code: 'KeyM' }, undefined], // an input method is composing
  ])('names the key of %j', (event, name) => {
    expect(keyName({ ...plain, ...event })).toBe(name)
  })
})
