/**
 * The import direction of the folders, and within operator/: each may import only what its row
 * names. Tests may also import what starts real servers for them.
 */
import { readFile } from 'node:fs/promises'
import { posix, resolve } from 'node:path'
import { execa } from 'execa'

const everything = [
  'protocol',
  'relay-cost',
  'operator',
  'meter',
  'signaling',
  'dashboards',
  'charts',
  'infra',
  'cli',
  'devcluster',
  'images',
]

export const mayImport: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  'relay-cost': ['protocol'],
  operator: ['protocol', 'relay-cost'],
  meter: ['protocol', 'relay-cost'],
  signaling: ['protocol'],
  webapp: ['protocol'],
  dashboards: ['protocol'],
  charts: ['operator', 'dashboards'],
  infra: ['protocol', 'relay-cost', 'operator'],
  devcluster: [],
  images: ['devcluster'],
  cli: ['protocol', 'relay-cost', 'operator', 'meter', 'signaling', 'charts'],
  e2e: [...everything, 'webapp'],
  tools: everything,
}

/** What only tests import: servers to test against. */
const testsMayImport = ['devcluster', 'signaling', 'images']

/** Within operator/src: rendering is pure, and only the runtime talks to the API server. */
export const withinOperator: Readonly<Record<string, readonly string[]>> = {
  api: [],
  render: ['api'],
  runtime: [],
  'metrics-api': ['runtime'],
  reconcile: ['api', 'render', 'runtime', 'metrics-api'],
}

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
  for (const file of stdout.split('\n').filter(Boolean))
    violations.push(...violationsOf(file, await readFile(resolve(root, file), 'utf8')))
  return violations
}

/** The violations of one source file, whose path is relative to the root. */
export function violationsOf(file: string, source: string): string[] {
  const [folder = '', , part = ''] = file.split('/')
  const allowed = mayImport[folder]
  if (!allowed) return []
  const isTest = /\.test\.tsx?$|\/test(ing)?\//.test(file)
  return importsOf(source).flatMap((specifier) => {
    const [target, targetPart = ''] = targetOf(file, specifier)
    if (target === undefined) return []
    const no = (from: string, to: string) => [
      `${file}: ${from} may not import ${to} (${specifier})`,
    ]
    if (target !== folder) {
      if (allowed.includes(target) || (isTest && testsMayImport.includes(target))) return []
      return no(`${folder}/`, `${target}/`)
    }
    const parts = folder === 'operator' && !isTest ? withinOperator[part] : undefined
    if (!parts || !(targetPart in withinOperator)) return []
    if (targetPart === part || parts.includes(targetPart)) return []
    return no(`operator/src/${part}/`, `operator/src/${targetPart}/`)
  })
}

function importsOf(source: string): string[] {
  const specifiers = source.matchAll(
    /(?:^|[\s;}])(?:import|export)\s(?:[^'";]*?\sfrom\s*)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
  )
  return [...specifiers].map((match) => match[1] ?? match[2] ?? '')
}

/** The workspace that an import reaches, and the folder within its sources; nothing for packages. */
function targetOf(file: string, specifier: string): readonly (string | undefined)[] {
  if (specifier.startsWith('@parley/')) {
    const [, folder, part] = specifier.split('/')
    return [folder, part]
  }
  if (!specifier.startsWith('.')) return []
  const [folder, , part] = posix.join(posix.dirname(file), specifier).split('/')
  return [folder, part]
}
