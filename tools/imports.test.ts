import { readFile } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import { mayImport, violationsOf, withinOperator } from './imports.ts'

describe('the import direction', () => {
  it.each([
    ['signaling/src/a.ts', `import { x } from '@parley/meter'`],
    ['protocol/src/a.ts', `import type { x } from '@parley/relay-cost'`],
    ['relay-cost/src/deep/a.ts', `export { x } from '../../../operator/src/index.ts'`],
    ['webapp/src/a.tsx', `import '@parley/signaling'`],
    ['cli/src/a.ts', `const { x } = await import('@parley/devcluster')`],
    ['operator/src/render/a.ts', `import { ApiClient } from '../runtime/client.ts'`],
    ['operator/src/runtime/a.ts', `import { KIND } from '../api/index.ts'`],
    ['operator/src/api/a.ts', `import { x } from '@parley/operator/render'`],
  ])('refuses in %s: %s', (file, source) => {
    expect(violationsOf(file, source)).toEqual([expect.stringMatching(/^.*: .* may not import .*/)])
  })

  it.each([
    ['meter/src/a.ts', `import { x } from '@parley/protocol'\nimport { z } from 'zod'`],
    ['operator/src/reconcile/a.ts', `import { ApiClient } from '../runtime/client.ts'`],
    ['operator/src/reconcile/a.integration.test.ts', `import { x } from '@parley/devcluster'`],
    ['webapp/src/testing/server.ts', `import { startSignaling } from '@parley/signaling'`],
    ['charts/src/a.ts', `import { x } from '@parley/operator/api'`],
  ])('allows in %s: %s', (file, source) => {
    expect(violationsOf(file, source)).toEqual([])
  })

  it('is what CONTRIBUTING.md says', async () => {
    const text = await readFile(new URL('../CONTRIBUTING.md', import.meta.url), 'utf8')
    const rows = [...text.matchAll(/^\| `([a-z0-9/-]+)\/` +\|[^|]*\| ([^|]*?) +\|$/gm)]
    const folders = Object.keys(mayImport)
    const spelledOut = ([, , list = '']: RegExpMatchArray) => {
      const above = folders.filter((other) => !['e2e', 'tools'].includes(other))
      if (list === 'all above') return above
      if (list === 'all above but webapp') return above.filter((other) => other !== 'webapp')
      return list === '–' ? [] : list.split(', ')
    }
    const said = Object.fromEntries(rows.map((row) => [row[1], spelledOut(row).toSorted()]))
    const checked = Object.fromEntries([
      ...Object.entries(mayImport).map(([folder, list]) => [folder, list.toSorted()]),
      ...Object.entries(withinOperator).map(([part, list]) => [`src/${part}`, list.toSorted()]),
    ])
    expect(said).toEqual(checked)
  })
})
