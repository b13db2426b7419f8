import { readFile } from 'node:fs/promises'
import { expect, it } from '@jest/globals'

const root = new URL('..', import.meta.url)

interface Line {
  section: string
  capability: string
  file: string | undefined
  title: string | undefined
}

/** Every table line of the page but heads and rules. */
async function linesOfPage(page: string): Promise<Line[]> {
  const text = await readFile(new URL(page, root), 'utf8')
  let section = ''
  return text.split('\n').flatMap((line) => {
    section = /^## (.*)/.exec(line)?.[1] ?? section
    if (!line.startsWith('|') || /^\|(---|\s*(capability|property)\s*\|)/.test(line)) return []
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
    const [, file, title] = /^`([^`]+)`: (.+)$/.exec(cells[3] ?? '') ?? []
    return [{ section, capability: cells[1] ?? '', file, title: title?.replaceAll('\\|', '|') }]
  })
}

it.each(['docs/operator-capabilities.md', 'docs/meeting-properties.md'])(
  'every line of %s is proven by a test that is there',
  async (page) => {
    const lines = await linesOfPage(page)
    expect(lines.length).toBeGreaterThan(28)
    const unproven: object[] = []
    for (const line of lines) {
      const source = line.file
        ? await readFile(new URL(line.file, root), 'utf8').catch(() => '')
        : ''
      // Between quotes: a title, or what is put into that of a table of cases.
      const quoted = source.split('\n').map((text) => text.slice(Math.max(0, text.search(/['"`]/))))
      if (!line.title || !quoted.some((text) => text.includes(line.title ?? '')))
        unproven.push(line)
    }
    expect(unproven).toEqual([])
  },
)

it('all 29 properties of a meeting are listed', async () => {
  const lines = await linesOfPage('docs/meeting-properties.md')
  const listed = new Set(lines.map(({ capability }) => capability))
  expect([...listed]).toEqual(Array.from({ length: 29 }, (_, index) => `P${index + 1}`))
})
