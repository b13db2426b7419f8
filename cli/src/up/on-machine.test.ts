import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parseMeetingCluster } from '@parley/operator/api'
import { parseAllDocuments } from 'yaml'
import { localPod } from './local-pod.ts'
import { HERE, type Machine, objectsOf, planFor } from './on-machine.ts'

const everything: Machine = {
  address: '192.168.1.5',
  network: '192.168.1.0/24',
  programs: { turnserver: true, 'redis-server': true, 'livekit-server': true, sqlite3: true },
}

function cluster(spec: object = {}) {
  return parseMeetingCluster({
    apiVersion: 'parley.dev/v1alpha1',
    kind: 'MeetingCluster',
    metadata: { name: 'local', namespace: 'meetings' },
    spec: { domain: 'localhost', region: 'eu-central-1', ...spec },
  })
}

function without(...names: (keyof Machine['programs'])[]): Machine {
  const missing = Object.fromEntries(names.map((name) => [name, false]))
  return { ...everything, programs: { ...everything.programs, ...missing } }
}

describe('planFor', () => {
  it('runs all of it where all is installed, without a word', () => {
    expect(planFor(cluster(), everything)).toMatchObject({
      runs: { redis: true, turn: true, sfu: true, meter: true },
      notes: [],
    })
  })

  it.each([
    [['turnserver'], { turn: false, sfu: true, meter: false }, 'apt-get install coturn'],
    [['livekit-server'], { turn: true, sfu: false, meter: true }, 'rooms hold 4 people at most'],
    [['sqlite3'], { turn: false, sfu: true, meter: false }, 'sqlite3 is not installed'],
  ] as const)('without %s it meets, and says how to get it', (missing, runs, fix) => {
    const plan = planFor(cluster(), without(...missing))
    expect(plan.runs).toMatchObject(runs)
    expect(plan.notes).toEqual([expect.stringContaining(fix)])
  })

  it('without Redis nothing is metered and there is no LiveKit: one sentence for each', () => {
    const plan = planFor(cluster(), without('redis-server'))
    expect(plan.runs).toEqual({ redis: false, turn: true, sfu: false, meter: false })
    expect(plan.notes).toEqual([
      expect.stringContaining('LiveKit wants redis-server'),
      expect.stringContaining('what is relayed is not metered'),
    ])
  })

  it('without a network it meets on this machine', () => {
    const plan = planFor(cluster(), { ...everything, address: undefined, network: undefined })
    expect(plan.runs).toEqual({ redis: false, turn: false, sfu: false, meter: false })
    expect(plan.notes).toEqual([expect.stringContaining('no address but loopback')])
  })

  it('takes the production example: what only a cluster has gives way, and that is said', () => {
    const text = readFileSync(
      new URL('../../../examples/external-services.yaml', import.meta.url),
      'utf8',
    )
    const mc = parseAllDocuments(text)
      .map((document) => document.toJS() as { kind?: string })
      .find(({ kind }) => kind === 'MeetingCluster')
    const plan = planFor(parseMeetingCluster(mc), everything)
    expect(plan.mc.spec).toMatchObject({ redis: { mode: 'Managed' }, store: { mode: 'Embedded' } })
    expect(plan.notes.length).toBeGreaterThan(0)
    expect(() => objectsOf(plan, '192.168.1.5', '', (size) => Buffer.alloc(size, 7))).not.toThrow()
  })
})

describe('localPod', () => {
  const plan = planFor(cluster({ mesh: { maxParticipants: 6 } }), everything)
  const objects = objectsOf(plan, '192.168.1.5', '', (size) => Buffer.alloc(size, 7))
  const facts = {
    fields: {
      'metadata.name': 'local-turn',
      'spec.nodeName': HERE,
      'status.hostIP': '192.168.1.5',
    },
    replace: [['local-redis.meetings.svc:6379', '127.0.0.1:4000']] as const,
  }
  const podOf = (component: string) => localPod(objects, `local-${component}`, '/tmp/up', facts)

  it('signaling has the environment of the rendering, with its files below the folder', () => {
    const { env, files } = podOf('signaling')
    expect(env).toMatchObject({
      PARLEY_MESH_MAX: '6',
      PARLEY_SFU: 'LiveKit',
      PARLEY_REGION: 'eu-central-1',
      PARLEY_TURN_ENDPOINTS_FILE: '/tmp/up/etc/parley/turn-endpoints/endpoints.json',
    })
    const content = Object.fromEntries(files.map((file) => [file.path, file.content]))
    expect(JSON.parse(content['/tmp/up/etc/parley/turn-endpoints/endpoints.json'] ?? '')).toEqual({
      urls: ['turn:192.168.1.5:3478?transport=udp', 'turn:192.168.1.5:3478?transport=tcp'],
    })
    expect(content['/tmp/up/etc/parley/secrets/redis/url']).toMatch(/^redis:.*@127\.0\.0\.1:4000\b/)
    expect(Object.keys(content)).toContain(env.PARLEY_JOIN_KEY_FILE)
  })

  it('REQ-W5: people sign in where the MeetingCluster says, also at a provider of this machine', () => {
    const oidc = { issuer: 'http://localhost:8180/realms/staff', clientId: 'parley' }
    const mc = cluster({ signaling: { auth: { mode: 'OIDC', oidc } } })
    const plan = planFor(mc, everything)
    expect(plan.notes).toEqual([])
    const objects = objectsOf(plan, '192.168.1.5', '', (size) => Buffer.alloc(size, 7))
    expect(localPod(objects, 'local-signaling', '/tmp/up', facts).env).toMatchObject({
      PARLEY_AUTH_MODE: 'OIDC',
      PARLEY_OIDC_ISSUER: oidc.issuer,
      PARLEY_OIDC_CLIENT_ID: 'parley',
      // The one address in front of all is the nearest.
      PARLEY_TRUSTED_HOPS: '1',
    })
  })

  it('REQ-K3: coturn and signaling share a secret, and peers of this network may be relayed to', () => {
    const secretOf = (component: string) =>
      podOf(component).files.find(({ path }) => path.endsWith('secrets/turn/secrets'))?.content
    expect(secretOf('turn')).toBe(secretOf('signaling'))
    expect(secretOf('turn')?.trim()).not.toBe('')
    const allowed = podOf('turn').files.find(({ path }) => path.endsWith('allowed-peers'))
    expect(allowed?.content.split('\n')).toEqual(
      expect.arrayContaining(['192.168.1.0-192.168.1.255', '192.168.1.5']),
    )
    expect(podOf('turn').env).toMatchObject({ NODE_NAME: HERE, HOST_IP: '192.168.1.5' })
  })

  it('the meter keeps its store below the folder', () => {
    expect(podOf('meter').env.METER_STORE).toBe('sqlite:/tmp/up/var/lib/parley/meter.db')
    expect(podOf('meter').folders).toContain('/tmp/up/var/lib/parley')
  })

  it('names what is not in the rendering', () => {
    expect(() => podOf('nobody')).toThrow('the rendering has no Deployment or StatefulSet')
  })
})
