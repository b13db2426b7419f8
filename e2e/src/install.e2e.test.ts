/** Every way to install the operator, as pods on a node: it becomes ready, and so does what it is given to make. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { down, ensureBinaries, kubectlPath, loadImage, up } from '@parley/devcluster'
import { buildImages } from '@parley/images'
import { execa } from 'execa'
import { Stack } from './stack.ts'

const clusterName = 'e2e-install'
const system = 'parley-system'

/** A stack as small as one can be, on one node, that goes as soon as it is told to. */
const meetings = (namespace: string) => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  {
    apiVersion: 'parley.dev/v1alpha1',
    kind: 'MeetingCluster',
    metadata: { name: 'small', namespace },
    spec: {
      domain: 'meet.example.com',
      region: 'eu-central-1',
      sfu: { engine: 'None' },
      turn: { replicas: 1, drainTimeout: '1s' },
      signaling: { replicas: 1, drainTimeout: '1s' },
      webapp: { replicas: 1 },
    },
  },
]

describe('an operator that is installed on a cluster', () => {
  let folder: string
  let stack: Stack
  let helm: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-install-'))
    const kubeconfig = join(folder, 'kubeconfig')
    const [, images, binaries] = await Promise.all([
      up({ name: clusterName, nodes: 1, kubeconfig }),
      buildImages(),
      ensureBinaries(['helm']),
    ])
    helm = join(binaries.helm, 'helm')
    stack = new Stack(await kubectlPath(), kubeconfig)
    const charts = fileURLToPath(new URL('../../charts/src/main.ts', import.meta.url))
    const tag = images[0]?.tag ?? ''
    await execa('node', [charts, '--out', folder, '--image-tag', tag], { preferLocal: true })
    for (const { archive, name } of images)
      if (name !== 'parley-livekit') await loadImage({ name: clusterName, archive })
  }, 15 * 60_000)

  afterAll(async () => {
    await down({ name: clusterName })
    await rm(folder, { recursive: true, force: true })
  }, 120_000)

  const runHelm = async (...args: string[]) => {
    const env = {
      KUBECONFIG: stack.kubeconfig,
      HELM_CACHE_HOME: folder,
      HELM_CONFIG_HOME: folder,
    }
    return (await execa(helm, [...args, '-n', system], { env })).stdout
  }
  const chart = () => join(folder, 'helm/parley')

  /** The operator's pod is ready, and it makes a stack whose pods become ready. */
  const works = async (namespace: string) => {
    const rollout = ['rollout', 'status', 'deployment/parley-operator', '-n', system]
    await stack.kubectl([...rollout, '--timeout=180s'])
    await stack.kubectl(['apply', '-f', '-'], list(meetings(namespace)))
    const { status } = await stack.waitReady(namespace, 'small', {
      timeoutMs: 240_000,
      onProgress: () => {},
    })
    for (const component of ['turn', 'signaling', 'webapp', 'redis', 'meter'])
      expect(status?.components?.[component]).toMatchObject({ desired: 1, ready: 1 })
    await stack.kubectl(['delete', 'mc', 'small', '-n', namespace])
    // The next stack wants the same ports of the node.
    const pods = ['wait', 'pods', '-n', namespace, '--all', '--for=delete', '--timeout=120s']
    await stack.kubectl(pods)
  }

  it('REQ-K1: by kubectl apply -f install.yaml', async () => {
    await stack.kubectl(['apply', '-f', join(folder, 'install.yaml')])
    await works('by-manifest')
    await stack.kubectl(['delete', '-f', join(folder, 'install.yaml'), '--timeout=120s'])
  }, 700_000)

  it('REQ-K1: by helm template | kubectl apply', async () => {
    const manifests = await runHelm('template', 'parley', chart(), '--skip-tests')
    await stack.kubectl(['create', 'namespace', system])
    await stack.kubectl(['apply', '-f', '-'], manifests)
    await works('by-template')
    await stack.kubectl(['delete', '-f', '-', '--timeout=120s'], manifests)
  }, 700_000)

  it('REQ-K1: by helm install, and helm test says so', async () => {
    await runHelm('install', 'parley', chart(), '--wait', '--timeout', '180s')
    expect(await runHelm('test', 'parley', '--logs')).toContain('leader_election_master_status')
  }, 300_000)
})

function list(items: object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
}
