import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { ensureBinaries } from '@parley/devcluster'
import { execa } from 'execa'
import { parseAllDocuments } from 'yaml'
import { helmChart } from './helm.ts'
import { installObjects, type Manifest } from './install.ts'
import type { GivenValues } from './values.ts'

jest.setTimeout(120_000)

const namespace = 'meetings-operator'
let helm: string
let folder: string
let chart: string

beforeAll(async () => {
  helm = join((await ensureBinaries(['helm'])).helm, 'helm')
  folder = await mkdtemp(join(tmpdir(), 'parley-chart-'))
  chart = join(folder, 'parley')
  for (const [path, text] of helmChart({ version: '0.1.0' })) {
    await mkdir(dirname(join(chart, path)), { recursive: true })
    await writeFile(join(chart, path), text)
  }
}, 120_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

function run(...args: string[]) {
  return execa(helm, args, { env: { HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder } })
}

async function valuesFile(values: object): Promise<string> {
  const file = join(folder, 'values.json')
  await writeFile(file, JSON.stringify(values))
  return file
}

/** What Helm makes of the chart, but the test's pod. */
async function rendered(values: GivenValues): Promise<Manifest[]> {
  const file = await valuesFile(values)
  const { stdout } = await run(
    ...['template', 'parley', chart, '--namespace', namespace, '--values', file, '--skip-tests'],
  )
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Manifest | null)
    .filter((object) => object !== null)
}

const byName = (objects: Manifest[]) =>
  Object.fromEntries(
    objects
      .filter(({ kind }) => kind !== 'Namespace')
      .map((object) => [
        `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`,
        object,
      ]),
  )

const everything: GivenValues = {
  image: {
    registry: 'registry.example.com/parley/',
    tag: '2026.1',
    pullPolicy: 'Always',
    pullSecrets: [{ name: 'registry' }],
  },
  replicas: 3,
  logLevel: 'debug',
  metricsApi: { enabled: true, custom: true },
  serviceAccount: { name: 'somebody', annotations: { 'example.com/role': 'x: {{ y }}' } },
  resources: { limits: { memory: '1Gi' }, requests: { cpu: '1' } },
  podAnnotations: { 'example.com/a': 'true' },
  podLabels: { 'example.com/team': 'rtc' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'infra', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'system-cluster-critical',
  podDisruptionBudget: { enabled: false },
  serviceMonitor: { enabled: true, interval: '10s', labels: { release: 'prometheus' } },
  monitoring: { rules: true, dashboardLabels: { boards: 'yes' } },
  networkPolicy: { enabled: true, apiServer: [{ port: 16443, protocol: 'TCP' }] },
  crds: { keep: false },
}

describe('the Helm chart', () => {
  it('REQ-K1: has nothing that helm lint, strict, complains about', async () => {
    const { stdout } = await run('lint', '--strict', chart)
    expect(stdout).toContain('0 chart(s) failed')
    expect(stdout).not.toMatch(/\[(WARNING|ERROR)\]/)
  })

  it.each<[string, GivenValues]>([
    ['nothing is set', {}],
    ['everything is set', everything],
    ['one namespace is watched', { watchNamespace: 'meetings', metricsApi: { enabled: true } }],
    [
      'nothing of the cluster may be read',
      { watchNamespace: 'meetings', remember: false, rbac: { clusterReads: false } },
    ],
    ['there are shards', { shards: 3, leaderElection: { enabled: false } }],
    ['others grant the rights', { rbac: { create: false }, serviceAccount: { create: false } }],
    ['the CRDs are there', { crds: { install: false }, rbac: { userRoles: false } }],
  ])('REQ-K1: renders what parley install prints where %s', async (_, values) => {
    const objects = await rendered(values)
    expect(byName(objects)).toEqual(byName(installObjects({ namespace, values })))
    expect(objects.length).toBeGreaterThan(3)
  })

  it('refuses a value that it does not know, or that is of another kind', async () => {
    await expect(rendered({ replica: 2 } as object)).rejects.toThrow(/replica/)
    await expect(rendered({ replicas: 0 })).rejects.toThrow(/replicas/)
    expect(() => installObjects({ namespace, values: { replicas: 0 } })).toThrow(/replicas/)
  })

  it('tells after the installation how to go on, for the namespace that is watched', async () => {
    const file = await valuesFile({ watchNamespace: 'rooms' })
    const { stdout } = await run(
      ...['install', 'parley', chart, '--dry-run=client', '--values', file, '-n', namespace],
    )
    expect(stdout.slice(stdout.indexOf('NOTES:'))).toContain('namespace: rooms')
  })
})
