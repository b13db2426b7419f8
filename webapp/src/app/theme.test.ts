import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

const root = fileURLToPath(new URL('..', import.meta.url))
const sheets = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.css'))
  .map((path) => readFileSync(join(root, path), 'utf8').replace(/\/\*.*?\*\//gs, ''))

/** Rules without others inside: what selects, and what is declared. */
const rulesOf = (css: string) =>
  [...css.matchAll(/([^{}]+)\{([^{}]*)\}/g)].map(([, selectors = '', declared = '']) => ({
    selectors: selectors.split(',').map((selector) => selector.trim()),
    declared: declared.split(';').map((line) => line.trim()),
  }))

const calm = sheets.flatMap((css) =>
  [...css.matchAll(/@media \(prefers-reduced-motion: reduce\) \{((?:[^{}]*\{[^{}]*\})*)/g)].flatMap(
    ([, rules = '']) => rulesOf(rules),
  ),
)

it('REQ-W3: text is as large as people have it in their browser; initials are part of a picture', () => {
  const fixed = sheets
    .flatMap(rulesOf)
    .filter(({ declared }) => declared.some((line) => /^font(-size)?:.*\dpx/.test(line)))
  expect(fixed.flatMap(({ selectors }) => selectors)).toEqual(['.avatar'])
})

describe('who wants less motion', () => {
  it.each(['*', '*::before', '*::after'])(
    'has none of %s, whatever class names an animation or a transition',
    (selector) => {
      const declared = calm.filter(({ selectors }) => selectors.includes(selector))
      expect(declared.flatMap((rule) => rule.declared)).toEqual(
        expect.arrayContaining([
          'animation-duration: 0.01ms !important',
          'transition: none !important',
        ]),
      )
    },
  )

  it('sees nothing flicker that would go on for ever', () => {
    const endless = sheets
      .flatMap(rulesOf)
      .filter(({ declared }) => declared.some((line) => /^animation:.* infinite/.test(line)))
      .flatMap(({ selectors }) => selectors)
    expect(endless.length).toBeGreaterThan(0)
    for (const selector of endless)
      expect([
        selector,
        calm.some(
          ({ selectors, declared }) =>
            selectors.includes(selector) &&
            declared.some((line) =>
              /^animation: none$|^animation-duration: \d+s !important$/.test(line),
            ),
        ),
      ]).toEqual([selector, true])
  })
})
