/**
 * The import direction of the folders: each may import only what its row names. Tests may also
 * import what starts real servers for them.
 */
import { readFile } from 'node:fs/promises'
import { dirname, relative, resolve, sep } from 'node:path'
import { execa } from 'execa'

const everything = [
  'protocol',
  'relay-cost',
  'operator',
  'meter',
  'signaling',
  'charts',
  'cli',
  'devcluster',
  'images',
]

const mayImport: Record<string, readonly string[]> = {
  protocol: [],
  'relay-cost': ['protocol'],
  operator: ['protocol', 'relay-cost'],
  meter: ['protocol', 'relay-cost'],
  signaling: ['protocol'],
  webapp: ['protocol'],
  charts: ['operator'],
  devcluster: [],
  images: ['devcluster'],
  cli: ['protocol', 'relay-cost', 'operator', 'meter', 'signaling', 'charts'],
  e2e: everything,
  tools: everything,
}

/** What only tests import: servers to test against. */
const testsMayImport = ['devcluster', 'signaling', 'images']

/** One line a violation, `file: why`. Empty when every import keeps to its row. */
export async function importViolations(root: string): Promise<string[]> {
  const { stdout } = await execa(
    'git',
    ['ls-files', '-co', '--exclude-standard', '*.ts', '*.tsx'],
    {
      cwd: root,
    },
  )
  const violations: string[] = []
  for (const file of stdout.split('\n').filter(Boolean)) {
    const folder = file.split('/')[0] ?? ''
    const allowed = mayImport[folder]
    if (!allowed) continue
    const isTest = /\.test\.tsx?$|\/test(ing)?\//.test(file)
    for (const specifier of importsOf(await readFile(resolve(root, file), 'utf8'))) {
      const target = folderOf(root, file, specifier)
      if (!target || target === folder || allowed.includes(target)) continue
      if (isTest && testsMayImport.includes(target)) continue
      violations.push(`${file}: ${folder}/ may not import ${target}/ (${specifier})`)
    }
  }
  return violations
}

function importsOf(source: string): string[] {
  const specifiers = source.matchAll(
    /(?:^|[\s;}])(?:import|export)\s(?:[^'";]*?\sfrom\s*)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
  )
  return [...specifiers].map((match) => match[1] ?? match[2] ?? '')
}

function folderOf(root: string, file: string, specifier: string): string | undefined {
  if (specifier.startsWith('@parley/')) return specifier.split('/')[1]
  if (!specifier.startsWith('.')) return undefined
  return relative(root, resolve(root, dirname(file), specifier)).split(sep)[0]
}
