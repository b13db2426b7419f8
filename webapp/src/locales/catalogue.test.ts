import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

type Catalogue = { [key: string]: string | Catalogue }

function textsOf(catalogue: Catalogue, prefix = ''): [key: string, text: string][] {
  return Object.entries(catalogue).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[prefix + key, value]] : textsOf(value, `${prefix}${key}.`),
  )
}

const read = (language: string) =>
  new Map(
    // All but the first are loaded with the page that shows them.
    [`${language}.json`, `${language}.call.json`, `${language}.admin.json`].flatMap((name) =>
      textsOf(JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))),
    ),
  )
const catalogues = { en: read('en'), vi: read('vi') }
const plural = /_(zero|one|two|few|many|other)$/
const plain = (key: string) => key.replace(plural, '')
const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name)

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
    const unused = [...catalogues.en.keys()].filter(
      (key) => !asked.some((pattern) => pattern.test(plain(key))),
    )
    expect(unused).toEqual([])
  })
})

describe.each(Object.entries(catalogues))('the catalogue %s', (language, catalogue) => {
  it('has every text of the others, and none besides', () => {
    const keys = (of: Map<string, string>) => [...new Set([...of.keys()].map(plain))].sort()
    for (const other of Object.values(catalogues)) expect(keys(catalogue)).toEqual(keys(other))
  })

  it('has no empty text', () => {
    expect([...catalogue].filter(([, text]) => text.trim() === '')).toEqual([])
  })

  it('fills in what the others fill in', () => {
    const differing = [...catalogue].filter(([key, text]) => {
      const english = catalogues.en.get(key) ?? catalogues.en.get(`${plain(key)}_other`) ?? ''
      return placeholders(text).sort().join() !== placeholders(english).sort().join()
    })
    expect(differing).toEqual([])
  })

  it('has the plural forms of its language: as many, and no other ones', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.sort()
    const counted = new Map<string, string[]>()
    for (const key of catalogue.keys()) {
      const form = plural.exec(key)?.[1]
      if (form) counted.set(plain(key), [...(counted.get(plain(key)) ?? []), form])
    }
    expect(counted.size).toBeGreaterThan(0)
    for (const [key, found] of counted) expect([key, found.sort()]).toEqual([key, forms])
  })
})
