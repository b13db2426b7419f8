import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execa, execaSync } from 'execa'
import { ensureBinaries } from './binaries.ts'
import { attachClient, type Cluster, down, loadImage, statusOfAll, up } from './cluster.ts'
import { kubectl } from './kubectl.ts'
import { ensureImageArchive } from './oci.ts'
import { leftovers } from './teardown.ts'

// Nodes on a machine that may be busy.
jest.setTimeout(120_000)

// Two runs of this test on one machine must not meet.
const PREFIX = 'e2e-nodes-'
const NAME = `${PREFIX}${process.pid}`
const IMAGE = 'localhost/parley-devcluster/probe:e2e'

const container = (args: string[], more: object = {}) => ({
  name: 'probe',
  image: IMAGE,
  args,
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  },
  ...more,
})

const deployment = (name: string, replicas: number, pod: object) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 0, ...pod },
    },
  },
})

// One pod on each node, behind a Service with a NodePort; and one that keeps a processor busy, under an autoscaler.
const WORKLOAD = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    deployment('web', 2, {
      containers: [
        container(['serve'], {
          ports: [{ name: 'web', containerPort: 8080 }],
          readinessProbe: {
            httpGet: { path: '/', port: 'web' },
            periodSeconds: 1,
          },
        }),
      ],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'web' } },
        },
      ],
    }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: {
        type: 'NodePort',
        selector: { app: 'web' },
        ports: [{ name: 'http', port: 80, targetPort: 8080, nodePort: 30080 }],
      },
    },
    ...['friend', 'stranger'].map((name) =>
      deployment(name, 1, { containers: [container(['serve'])] }),
    ),
    deployment('on-host', 1, {
      hostNetwork: true,
      dnsPolicy: 'ClusterFirstWithHostNet',
      containers: [container(['serve'])],
    }),
    deployment('busy', 1, {
      containers: [
        container(['burn'], {
          resources: { requests: { cpu: '50m' }, limits: { cpu: '200m' } },
        }),
      ],
    }),
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'busy' },
      spec: {
        scaleTargetRef: {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: 'busy',
        },
        minReplicas: 1,
        maxReplicas: 2,
        metrics: [
          {
            type: 'Resource',
            resource: {
              name: 'cpu',
              target: { type: 'Utilization', averageUtilization: 70 },
            },
          },
        ],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '10Mi' } },
      },
    },
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'writer' },
      spec: {
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [
              container(['write', '/data/file'], {
                volumeMounts: [{ name: 'data', mountPath: '/data' }],
              }),
            ],
            volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
          },
        },
      },
    },
  ],
}

describe('a cluster with two nodes', () => {
  let cluster: Cluster

  beforeAll(async () => {
    await removeAbandoned()
    const { probe } = await ensureBinaries(['probe'])
    const archive = join(probe, 'probe.tar')
    await ensureImageArchive(
      { name: IMAGE, program: join(probe, 'probe'), entrypoint: '/probe' },
      archive,
    )
    cluster = await up({
      name: NAME,
      nodes: 2,
      kubeconfig: join(tmpdir(), `${NAME}.kubeconfig`),
    })
    await loadImage({ name: NAME, archive })
    await kubectl(cluster, ['apply', '-f', '-'], {
      input: JSON.stringify(WORKLOAD),
    })
    for (const name of ['web', 'on-host', 'friend', 'stranger']) {
      await kubectl(cluster, ['rollout', 'status', `deployment/${name}`, '--timeout=180s'])
    }
    // A pod is ready before every kube-proxy has heard of it, and until then a node refuses the Service.
    for (const node of cluster.nodes) {
      await eventually(async () => (await endpointsOf('default/web:http', node)).length === 2)
    }
  }, 600_000)

  afterAll(async () => {
    await down({ name: NAME })
  }, 120_000)

  const jsonPath = (args: string[], path: string) =>
    kubectl(cluster, [...args, '-o', `jsonpath={${path}}`])

  const fromPod = (deploymentName: string, url: string) =>
    kubectl(cluster, ['exec', `deployment/${deploymentName}`, '--', '/probe', 'get', url])

  const names = async () =>
    (await jsonPath(['get', 'pods', '-l', 'app=web'], '.items[*].metadata.name')).split(' ')

  it('REQ-K1: gives every node an internal and an external address of its own', async () => {
    for (const node of cluster.nodes) {
      const addresses = JSON.parse(await kubectl(cluster, ['get', 'node', node.name, '-o', 'json']))
        .status.addresses
      expect(addresses).toEqual(
        expect.arrayContaining([
          { type: 'InternalIP', address: node.address },
          { type: 'ExternalIP', address: node.address },
        ]),
      )
    }
  })

  it('REQ-K1: resolves a Service by name and reaches pods of both nodes, from a pod and from the host network', async () => {
    const all = await names()
    for (const from of ['web', 'on-host']) {
      const seen = new Set<string>()
      for (let attempt = 0; attempt < 30 && seen.size < 2; attempt++) {
        seen.add(await fromPod(from, 'http://web.default.svc.cluster.local'))
      }
      expect([...seen].sort()).toEqual([...all].sort())
    }
  }, 120_000)

  it('REQ-K1: lets this machine and client namespaces reach nodes, NodePorts and pods', async () => {
    const all = await names()
    for (const node of cluster.nodes) {
      expect(all).toContain(await (await fetch(`http://${node.address}:30080`)).text())
    }
    const podAddress = await jsonPath(['get', 'pods', '-l', 'app=web'], '.items[0].status.podIP')
    expect(all).toContain(await (await fetch(`http://${podAddress}:8080`)).text())
    const client = await attachClient({ name: NAME, label: 'browser1' })
    const { probe } = await ensureBinaries(['probe'])
    const url = `http://${cluster.nodes[1]?.address}:30080`
    const answer = await execa('ip', [
      ...['netns', 'exec', client.networkNamespace],
      ...[join(probe, 'probe'), 'get', url],
    ])
    expect(all).toContain(answer.stdout)
  }, 120_000)

  it('REQ-K1: answers through the API server: logs, exec and the service proxy', async () => {
    const proxied = '/api/v1/namespaces/default/services/http:web:http/proxy/'
    expect(await names()).toContain(await kubectl(cluster, ['get', '--raw', proxied]))
  })

  it('REQ-K1: keeps pods of either node to NetworkPolicies, and lets each node reach its own', async () => {
    const podsOf = async (app: string) => {
      const list = JSON.parse(
        await kubectl(cluster, ['get', 'pods', '-l', `app=${app}`, '-o', 'json']),
      )
      const items = list.items as {
        spec: { nodeName: string }
        status: { podIP: string }
      }[]
      return items.map(({ spec, status }) => ({
        node: spec.nodeName,
        ip: status.podIP,
      }))
    }
    const web = await podsOf('web')
    const [stranger, friend, onHost] = [
      (await podsOf('stranger'))[0],
      (await podsOf('friend'))[0],
      (await podsOf('on-host'))[0],
    ]
    const targets = [...web.map(({ ip }) => `${ip}:8080`), 'web.default.svc.cluster.local:80']
    const everywhere = targets.map(() => true)
    const nowhere = targets.map(() => false)
    const reach = async (from: string, to = targets) => {
      const said = await kubectl(cluster, [
        'exec',
        `deployment/${from}`,
        '--',
        '/probe',
        'reach',
        ...to,
      ])
      return said
        .trim()
        .split('\n')
        .map((line) => line.endsWith(' true'))
    }
    const policy = (name: string, app: string, spec: object) =>
      kubectl(cluster, ['apply', '-f', '-'], {
        input: JSON.stringify({
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name },
          spec: { podSelector: { matchLabels: { app } }, ...spec },
        }),
      })
    const becomes = (from: string, expected: boolean[], to?: string[]) =>
      eventually(async () => `${await reach(from, to)}` === `${expected}`)
    // A connection of its own: one that was there before stays, whatever a policy says.
    const machine = async (ip: string) => {
      const socket = connect({ host: ip, port: 8080, timeout: 1000 })
      socket.once('timeout', () => socket.destroy(new Error('no answer')))
      try {
        await once(socket, 'connect')
        return true
      } catch {
        return false
      } finally {
        socket.destroy()
      }
    }

    for (const from of ['friend', 'stranger', 'on-host'])
      expect(await reach(from)).toEqual(everywhere)
    const ports = [{ protocol: 'TCP', port: 'web' }]
    const fromFriend = {
      from: [{ podSelector: { matchLabels: { app: 'friend' } } }],
      ports,
    }
    await policy('web', 'web', { ingress: [fromFriend] })
    await becomes('stranger', nowhere)
    expect(await reach('friend')).toEqual(everywhere)
    const byNode = web.map(({ node }) => node === onHost?.node)
    expect(await reach('on-host', targets.slice(0, 2))).toEqual(byNode)
    expect(await machine(web[0]?.ip ?? '')).toBe(false)
    // The kubelets' probes come from the node, and the pods are ready as before.
    expect(await jsonPath(['get', 'deployment', 'web'], '.status.readyReplicas')).toBe('2')

    // All but the stranger's half of its node's network; the host network has the address of its node.
    const half = stranger?.ip.replace(
      /\d+$/,
      Number(stranger.ip.split('.')[3]) < 128 ? '0/25' : '128/25',
    )
    const block = {
      from: [{ ipBlock: { cidr: '10.0.0.0/8', except: [half] } }],
      ports,
    }
    await policy('web', 'web', { ingress: [block] })
    await becomes('on-host', everywhere)
    // On its own node a pod is always reached: that node may have the new policy later than the other.
    await eventually(() => machine(web[0]?.ip ?? ''))
    expect(await reach('stranger')).toEqual(nowhere)

    // What a pod may send is one thing, what another may receive the other.
    const to = [{ podSelector: { matchLabels: { app: 'web' } } }]
    await policy('friend', 'friend', {
      policyTypes: ['Egress'],
      egress: [{ to, ports: [{ protocol: 'TCP', port: 8080, endPort: 8081 }] }],
    })
    await becomes('friend', [false], [`${stranger?.ip}:8080`])
    await becomes('stranger', [true], [`${friend?.ip}:8080`])

    await kubectl(cluster, ['delete', 'networkpolicy', '--all'])
    await becomes('stranger', everywhere)
  }, 120_000)

  it('REQ-K1: gives a claim a volume that an unprivileged pod can write', async () => {
    await kubectl(cluster, ['wait', '--for=condition=complete', 'job/writer', '--timeout=110s'])
  }, 120_000)

  it('REQ-K2: shows an autoscaler the CPU that pods use, and it scales', async () => {
    await cluster.metricsReady
    await kubectl(cluster, [
      ...['wait', '--for=jsonpath={.status.desiredReplicas}=2', 'hpa/busy', '--timeout=150s'],
    ])
    const usage = await jsonPath(
      ['get', 'hpa', 'busy'],
      '.status.currentMetrics[0].resource.current.averageUtilization',
    )
    expect(Number(usage)).toBeGreaterThan(70)
    expect(await kubectl(cluster, ['top', 'pods'])).toContain('busy-')
  }, 180_000)

  it('REQ-K1: starts a killed kubelet and containerd again, and pods go on', async () => {
    const before = await names()
    const node = cluster.nodes[0]?.networkNamespace ?? ''
    for (const name of ['kubelet', 'containerd']) {
      const [killed = 0] = pidsOf(name, node)
      process.kill(killed, 'SIGKILL')
      // node-init waits a second, so that a program that cannot start does not spin.
      await eventually(() => pidsOf(name, node).some((pid) => pid !== killed))
    }
    await kubectl(cluster, ['wait', '--for=condition=Ready', 'node', '--all', '--timeout=110s'])
    expect((await names()).sort()).toEqual(before.sort())
  }, 120_000)

  it('REQ-K1: leaves nothing behind, though its programs were killed before', async () => {
    for (const node of cluster.nodes) {
      for (const name of ['kubelet', 'containerd', 'kube-proxy']) {
        for (const pid of pidsOf(name, node.networkNamespace)) process.kill(pid, 'SIGKILL')
      }
    }
    expect(await leftovers(NAME)).not.toEqual([])
    await down({ name: NAME })
    expect(await leftovers(NAME)).toEqual([])
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(NAME)
  }, 120_000)
})

/** Takes down what a run of this test that was killed has left. */
async function removeAbandoned(): Promise<void> {
  for (const { name } of await statusOfAll()) {
    if (name.startsWith(PREFIX) && !existsSync(`/proc/${name.slice(PREFIX.length)}`)) {
      await down({ name })
    }
  }
}

/** The processes of a program in this test's own node, told by the node's network namespace. */
function pidsOf(program: string, networkNamespace: string): number[] {
  const { stdout } = execaSync('ip', ['netns', 'pids', networkNamespace])
  const pids = stdout.split('\n').filter(Boolean).map(Number)
  return pids.filter((pid) => {
    const words = commandLine(pid).split('\0')
    return words[1] === program || (words[0]?.endsWith(`/${program}`) && words[1] === '--config')
  })
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It ended since it was listed.
    return ''
  }
}

/** Addresses that the kube-proxy of a node sends a Service's connections to. */
async function endpointsOf(port: string, node: { networkNamespace: string }): Promise<string[]> {
  const rules = await execa('ip', [
    ...['netns', 'exec', node.networkNamespace],
    ...['iptables-save', '-t', 'nat'],
  ])
  return rules.stdout
    .split('\n')
    .filter((rule) => rule.includes(`"${port}"`) && rule.includes('--to-destination'))
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('not within a minute')
    await delay(50)
  }
}
