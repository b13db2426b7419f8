import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type ControlPlane, ensureBinaries, kubectl, startControlPlane } from '@parley/devcluster'
import { execa } from 'execa'
import { stringify } from 'yaml'
import { InstalledOperator } from './testing/installed-operator.ts'

jest.setTimeout(300_000)

const root = fileURLToPath(new URL('../..', import.meta.url))
const operatorNamespace = 'parley-system'

let cluster: ControlPlane
let helm: string
let folder: string
let operator: InstalledOperator | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-install-'))
  const charts = join(root, 'charts/src/main.ts')
  const [started, binaries] = await Promise.all([
    startControlPlane({ name: 'parley-install' }),
    ensureBinaries(['helm']),
    execa(process.execPath, [charts, '--out', folder]),
  ])
  cluster = started
  helm = join(binaries.helm, 'helm')
})
afterEach(uninstall)
afterAll(async () => {
  await cluster?.stop()
  await rm(folder, { recursive: true, force: true })
})

const kube = (...args: string[]) => kubectl(cluster, args)
const apply = (input: string) => kubectl(cluster, ['apply', '-f', '-'], { input })

async function parley(...args: string[]): Promise<string> {
  const main = join(root, 'cli/src/main.ts')
  const { stdout } = await execa(process.execPath, [main, ...args], { stripFinalNewline: false })
  return stdout
}

function runHelm(...args: string[]) {
  return execa(helm, args, {
    timeout: 180_000,
    env: { KUBECONFIG: cluster.kubeconfig, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder },
  })
}

/** A stack that wants something of every kind, in a namespace of its own. */
function stack(namespace: string): string {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'parley.dev/v1alpha1',
      kind: 'MeetingCluster',
      metadata: { name: 'demo', namespace },
      spec: {
        domain: 'meet.example.com',
        region: 'eu-central-1',
        sfu: { engine: 'None' },
        turn: { externalAddresses: ['192.0.2.1'] },
        webapp: { ingress: { enabled: true } },
      },
    },
  ]
    .map((object) => stringify(object))
    .join('---\n')
}

/** The operator that is installed makes a stack, has the rights for it, and says that it waits for pods. */
async function works(namespace: string): Promise<void> {
  await apply(stack(namespace))
  operator = await InstalledOperator.start(cluster, operatorNamespace)
  await waitFor(async () => {
    const list = await kube('get', 'deploy,sts,hpa,pdb,netpol,ing', '-n', namespace, '-o', 'name')
    for (const name of ['deployment.apps/demo-turn', 'ingress.networking.k8s.io/demo-webapp'])
      expect(list).toContain(name)
  })
  await kube(
    ...['wait', 'mc/demo', '-n', namespace, '--for=condition=Stalled=False', '--timeout=120s'],
  )
  expect(operator.log).not.toMatch(/not allowed|is forbidden/)
}

async function waitFor(attempt: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 120_000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline || operator?.ended)
        throw new Error(`${error}\n${operator?.log.slice(-3000)}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Of every object of the operator's own. */
async function versions(): Promise<string[]> {
  const kinds = 'crd,clusterrole,clusterrolebinding,role,rolebinding,sa,svc,pdb'
  const text = await kube(
    ...['get', kinds, '-n', operatorNamespace, '-l', 'app.kubernetes.io/part-of=parley'],
    '-o=jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion} {end}',
  )
  const found = text.trim().split(' ')
  expect(found.length).toBeGreaterThan(12)
  return found
}

/** Everything of an install but the resource, the namespace and the stacks; also after a test that failed. */
async function uninstall(): Promise<void> {
  await operator?.stop()
  operator = undefined
  const kinds = 'clusterrole,clusterrolebinding,role,rolebinding,sa,svc,pdb,deploy'
  const ours = ['-l', 'app.kubernetes.io/part-of=parley', '--wait=false']
  await kube('delete', kinds, '-n', operatorNamespace, ...ours)
  await kube('delete', 'rolebinding', '-n', 'kube-system', ...ours)
  await kube('delete', 'secret', '-n', operatorNamespace, '-l', 'owner=helm')
}

const namespaceManifest = stringify({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: operatorNamespace },
})

describe('an operator that is installed works with the rights it was given', () => {
  // First, as Helm takes over nothing that others have installed.
  it('REQ-K1: helm install; an upgrade brings the resource up to date; removal keeps it and the stacks', async () => {
    const chart = join(folder, 'helm/parley')
    const install = [chart, '-n', operatorNamespace, '--create-namespace']
    await runHelm('install', 'parley', ...install)
    await works('by-helm')
    await operator?.stop()

    // The pod of `helm test` would be let in where only restricted pods are.
    const enforce = 'pod-security.kubernetes.io/enforce=restricted'
    await kube('label', 'namespace', operatorNamespace, enforce)
    const only = ['--show-only', 'templates/tests/operator.yaml']
    const test = await runHelm('template', 'parley', chart, '-n', operatorNamespace, ...only)
    const dryRun = ['apply', '--dry-run=server', '-f', '-']
    expect(await kubectl(cluster, dryRun, { input: test.stdout })).toContain('created')

    // As an older version of the resource would be: a field is not known yet.
    const drop = [{ op: 'remove', path: `${schemaPath}/properties/mesh` }]
    await kube('patch', 'crd', crd, '--type=json', '-p', JSON.stringify(drop))
    const upgrade = ['--set', 'replicas=2', '--force-conflicts']
    await runHelm('upgrade', 'parley', chart, '-n', operatorNamespace, ...upgrade)
    const known = await kube('get', 'crd', crd, '-o', `jsonpath={${meshPath}}`)
    expect(known).toContain('maxParticipants')

    await runHelm('uninstall', 'parley', '-n', operatorNamespace)
    expect(await kube('get', 'mc', '-n', 'by-helm', '-o', 'name')).toContain('demo')
    expect(await kube('get', 'deploy', '-n', operatorNamespace, '-o', 'name')).toBe('')
  })

  it.each<[string, () => Promise<string>]>([
    ['parley install | kubectl apply', () => parley('install')],
    [
      'helm template | kubectl apply',
      async () =>
        `${namespaceManifest}---\n${(await runHelm('template', 'parley', join(folder, 'helm/parley'), '-n', operatorNamespace, '--skip-tests')).stdout}`,
    ],
    [
      'kubectl apply -k overlay',
      () => kube('kustomize', join(folder, 'kustomize/overlays/example')),
    ],
  ])('REQ-K1: %s', async (how, manifests) => {
    const text = await manifests()
    await apply(text)
    const before = await versions()
    await apply(text)
    expect(await versions()).toEqual(before)
    await works(how.replace(/[^a-z]+/g, '-').replace(/-$/, ''))
  })

  it('install.yaml is what parley install prints', async () => {
    expect(await readFile(join(folder, 'install.yaml'), 'utf8')).toBe(await parley('install'))
  })

  it('REQ-K1: in one namespace, with rights there and the right to read nodes, it works there and nowhere else', async () => {
    await kube('create', 'namespace', 'mine')
    await apply(await parley('install', '--watch-namespace', 'mine'))
    await apply(stack('not-mine'))
    await works('mine')
    expect(await kube('get', 'deploy', '-n', 'not-mine', '-o', 'name')).toBe('')
    const who = `--as=system:serviceaccount:${operatorNamespace}:parley-operator`
    const may = (...args: string[]) => kube('auth', 'can-i', ...args, who).catch(() => 'no')
    expect(await may('list', 'secrets', '-n', 'not-mine')).toBe('no')
    expect(await may('list', 'nodes')).toBe('yes')
  })

  it('REQ-K1: in one namespace without any right outside of it, addresses come from the spec', async () => {
    const values = join(folder, 'values.yaml')
    await writeFile(values, stringify({ rbac: { clusterReads: false } }))
    await kube('create', 'namespace', 'closed')
    await apply(await parley('install', '-f', values, '--watch-namespace', 'closed'))
    await apply(stack('closed'))
    operator = await InstalledOperator.start(cluster, operatorNamespace)
    await waitFor(async () => {
      const list = await kube('get', 'deploy,sts', '-n', 'closed', '-o', 'name')
      expect(list).toContain('deployment.apps/demo-turn')
    })
    expect(await kube('get', 'clusterrole', '-o', 'name')).not.toMatch(/parley-operator/)
  })
})

const crd = 'meetingclusters.parley.dev'
const schemaPath = '/spec/versions/0/schema/openAPIV3Schema/properties/spec'
const meshPath = '.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.mesh'
