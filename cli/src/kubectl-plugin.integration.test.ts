import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  type ControlPlane,
  crdsEstablished,
  kubectl,
  kubectlPath,
  startControlPlane,
} from '@parley/devcluster'
import { customResourceDefinition } from '@parley/operator/api'
import { execa } from 'execa'
import { runCli } from './cli.ts'

jest.setTimeout(120_000)

const bin = fileURLToPath(new URL('../bin', import.meta.url))
let cluster: ControlPlane
let path: string

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'parley-plugin-'))
  for (const name of ['parley', 'kubectl-parley', 'kubectl_complete-parley'])
    await symlink(join(bin, `${name}.mjs`), join(path, name))
  cluster = await startControlPlane({ name: 'kubectl-plugin' })
  await apply(customResourceDefinition())
  await crdsEstablished((args) => kube(...args))
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'meetings' } })
  await apply(
    {
      apiVersion: 'parley.dev/v1alpha1',
      kind: 'MeetingCluster',
      metadata: { name: 'demo', namespace: 'meetings' },
      spec: { domain: 'meet.example.com', region: 'eu-central-1' },
    },
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'media-1' } },
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'meetings' },
    },
  )
})
afterAll(async () => {
  await cluster?.stop()
  await rm(path, { recursive: true, force: true })
})

const kube = (...args: string[]) => kubectl(cluster, args)

function apply(...items: object[]) {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  return kubectl(cluster, ['apply', '-f', '-'], { input })
}

/** With the plugin, and the kubectl of the cluster, on the PATH. */
async function environment() {
  const node = dirname(process.execPath)
  const found = [path, dirname(await kubectlPath()), node, process.env.PATH].join(':')
  return { KUBECONFIG: cluster.kubeconfig, PATH: found, NO_COLOR: '1' }
}

async function run(...args: string[]) {
  const result = await execa(await kubectlPath(), args, { env: await environment(), reject: false })
  return { code: result.exitCode, out: result.stdout, err: result.stderr }
}

/** In this process: starting one for each command would take most of the time. */
async function parley(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  jest.spyOn(console, 'log').mockImplementation((line) => void out.push(String(line)))
  jest.spyOn(console, 'error').mockImplementation((line) => void err.push(String(line)))
  const code = await runCli(['node', 'parley', ...args, '--kubeconfig', cluster.kubeconfig])
  jest.restoreAllMocks()
  return { code, out: out.join('\n'), err: err.join('\n') }
}

/** What bash offers after `line`, by the script that it has read. */
async function offeredByBash(line: string): Promise<string[]> {
  const words = line.split(/ +/)
  const script = `
    source <(parley completion bash)
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
    compopt() { :; }
    _parley
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await execa('bash', ['--norc', '-c', script], { env: await environment() })
  return stdout.split('\n')
}

describe('kubectl parley', () => {
  it('is found by kubectl, and speaks of itself as kubectl does', async () => {
    const { code, out } = await run('parley', '--help')
    expect(code).toBe(0)
    expect(out).toContain('Usage: kubectl parley [options] [command]')
    for (const command of ['status', 'cost', 'doctor', 'drain', 'rotate', 'pause', 'resume'])
      expect(out).toMatch(new RegExp(`^  ${command} `, 'm'))
    expect((await run('parley', 'drain', '--help')).out).toContain('$ kubectl parley drain --node')
    expect((await run('parley', 'status')).out).toMatch(/meetings +demo +not ready/)
  })

  it('pauses, resumes and rotates what is named, wherever it is', async () => {
    const annotation = async (name: string) =>
      kube('get', 'mc', 'demo', '-n', 'meetings', '-o', `jsonpath={.metadata.annotations.${name}}`)
    expect((await parley('pause', 'demo')).out).toBe('meetings/demo is paused')
    expect(await annotation('parley\\.dev/paused')).toBe('true')
    await parley('resume', 'demo', '-n', 'meetings')
    expect(await annotation('parley\\.dev/paused')).toBe('')
    await parley('rotate', 'demo')
    expect(Date.parse(await annotation('parley\\.dev/rotate'))).toBeGreaterThan(0)
    expect(await parley('pause', 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is meetings/demo'),
    })
  })

  it('REQ-K7: drains the media pods of a node: none comes, each is asked to go, and followed until it has', async () => {
    await apply(mediaPod('demo-turn-1', 'turn'), mediaPod('demo-sfu-1', 'sfu'), {
      ...mediaPod('other', 'webapp'),
    })
    const preview = await parley('drain', '--node', 'media-1', '--dry-run')
    expect(preview.out.split('\n').map((line) => line.split(/ {2,}/)[1])).toEqual([
      'POD',
      'demo-sfu-1',
      'demo-turn-1',
    ])
    const draining = execa(await kubectlPath(), ['parley', 'drain', '--node', 'media-1'], {
      env: await environment(),
    })
    await new Promise<void>((seen) => {
      let text = ''
      draining.stdout.on('data', (chunk) => {
        text += chunk
        if (/demo-turn-1 +draining/.test(text) && /demo-sfu-1 +draining/.test(text)) seen()
      })
    })
    const node = await kube('get', 'node', 'media-1', '-o', 'jsonpath={.spec.unschedulable}')
    expect(node).toBe('true')
    // There is no kubelet here: what it does at the end is done by hand.
    const force = ['--force', '--grace-period=0', '-n', 'meetings']
    await kube('delete', 'pod', 'demo-turn-1', 'demo-sfu-1', ...force)
    const { stdout } = await draining
    expect(stdout).toMatch(/demo-turn-1 +gone/)
    expect(await kube('get', 'pod', 'other', '-n', 'meetings', '-o', 'name')).toBe('pod/other')
  })

  it('names what there is where a pod or node is not there, and wants to know which', async () => {
    expect(await parley('drain', 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no TURN or SFU pod nobody'),
    })
    expect((await parley('drain', '--node', 'n9')).err).toContain('there is no node n9')
    expect((await parley('drain')).code).toBe(2)
  })

  it('doctor and status say on a real API server what is wrong, and what is paused', async () => {
    const said = await parley('doctor')
    expect(said.code).toBe(1)
    expect(said.out).toContain('✓ the API server answers and knows MeetingClusters')
    expect(said.out).toContain('✗ no operator runs in this cluster')
    expect(said.out).toContain('✗ MeetingCluster meetings/demo: the operator has not looked at it')
    const at = { lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 }
    const condition = (type: string, status: string, reason: string, message: string) => ({
      ...{ type, status, reason, message, ...at },
    })
    const status = {
      observedGeneration: 1,
      conditions: [
        condition('Ready', 'False', 'Progressing', 'turn: it waits'),
        condition('Reconciling', 'False', 'Paused', 'nothing is changed'),
        condition('TurnReady', 'False', 'WaitingForTurnAddress', 'no ExternalIP on node media-1'),
      ],
    }
    const patch = JSON.stringify({ status })
    const target = ['patch', 'mc/demo', '-n', 'meetings', '--subresource=status', '--type=merge']
    await kube(...target, '-p', patch)
    await apply(mediaPod('demo-turn-2', 'turn'))
    const later = await parley('doctor')
    expect(later.code).toBe(1)
    expect(later.out).toContain('✓ MeetingCluster meetings/demo is paused')
    expect(later.out).toContain('→ no ExternalIP on node media-1')
    expect(later.out).toContain('✗ node media-1, which has media pods of meetings/demo')
    const detail = (await parley('status', 'demo')).out
    expect(detail).toContain('paused nothing is changed until parley resume demo')
    expect(detail).toContain('TurnReady: WaitingForTurnAddress: no ExternalIP on node media-1')
  })

  it('bash completes commands, options and what is in the cluster', async () => {
    expect(await offeredByBash('parley status ')).toEqual(['demo'])
    expect(await offeredByBash('parley status --output = j')).toEqual(['json'])
    expect(await offeredByBash('parley drain --node ')).toEqual(['media-1'])
  })

  it('kubectl completes the plugin', async () => {
    const { out } = await run('__complete', 'parley', 'sta')
    expect(out).toMatch(/^status\twhat runs.*\n:4$/)
    expect((await run('__complete', 'parley', 'cost', 'report', '--cluster', '')).out).toContain(
      'meetings/demo',
    )
  })
})

function mediaPod(name: string, component: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'meetings',
      labels: {
        'app.kubernetes.io/managed-by': 'parley',
        'app.kubernetes.io/part-of': 'parley',
        'app.kubernetes.io/component': component,
        'parley.dev/cluster': 'demo',
      },
    },
    spec: {
      nodeName: 'media-1',
      terminationGracePeriodSeconds: 3600,
      containers: [{ name: component, image: 'localhost/none' }],
    },
  }
}
