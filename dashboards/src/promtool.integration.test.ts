import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execa } from 'execa'
import { stringify } from 'yaml'
import { boards, dashboardFiles, expressionsOf, ruleFiles } from './index.ts'

// Days of series, on a machine that may be busy.
jest.setTimeout(300_000)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-dashboards-'))
  for (const [path, text] of dashboardFiles()) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const promtool = async (...args: string[]) => {
  const { exitCode, all } = await execa('promtool', args, { cwd: folder, reject: false, all: true })
  return { exitCode, said: exitCode === 0 ? '' : all }
}
const good = { exitCode: 0, said: '' }

describe('promtool', () => {
  it('REQ-S4: takes every rule', async () => {
    const files = Object.keys(ruleFiles()).map((name) => `rules/${name}.yaml`)
    expect(await promtool('check', 'rules', ...files)).toEqual(good)
  })

  it('REQ-S4: finds that alerts fire where they should, and only there', async () => {
    const tests = Object.keys(ruleFiles()).map((name) => `rules/tests/${name}.yaml`)
    expect(await promtool('test', 'rules', ...tests)).toEqual(good)
  })

  it('REQ-A4: takes the query of every panel', async () => {
    const rules = boards.flatMap(expressionsOf).map(({ expr }, index) => ({
      record: `panel_${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, '.*'),
    }))
    await writeFile(join(folder, 'panels.yaml'), stringify({ groups: [{ name: 'panels', rules }] }))
    expect(await promtool('check', 'rules', 'panels.yaml')).toEqual(good)
  })
})
