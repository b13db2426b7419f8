import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

type Catalogue = { [key: string]: string | Catalogue }

function keysOf(catalogue: Catalogue, prefix = ''): string[] {
  return Object.entries(catalogue).flatMap(([key, value]) =>
    typeof value === 'string' ? [prefix + key] : keysOf(value, `${prefix}${key}.`),
  )
}

const en: Catalogue = JSON.parse(readFileSync(new URL('en.json', import.meta.url), 'utf8'))
const root = fileURLToPath(new URL('..', import.meta.url))
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !/\.test\.ts$/.test(path))
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n')

/** What the page may ask for: whole keys, and the ones that it puts together. */
const asked = [...sources.matchAll(/['`]([a-z]+(?:\.(?:[A-Za-z-]+|\$\{[^}]+\}))+)['`]/g)].map(
  ([, key = '']) => new RegExp(`^${key.replaceAll('.', '\\.').replace(/\$\{[^}]+\}/g, '[^.]+')}$`),
)

describe('the catalogue of texts', () => {
  it('holds no text that no page shows', () => {
    const unused = keysOf(en).filter((key) => {
      const plain = key.replace(/_(one|other)$/, '')
      return !asked.some((pattern) => pattern.test(plain))
    })
    expect(unused).toEqual([])
  })

  it('has no empty text', () => {
    const texts = JSON.stringify(en).match(/:""/)
    expect(texts).toBeNull()
  })
})
