import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { formatIp, parseIpRange } from '../api/index.ts'
import { meetingCluster } from '../api/testing/specs.ts'
import { CHECKSUM_ANNOTATION } from './pod.ts'
import { renderInputs } from './testing/inputs.ts'
import { buildTurnConfig, buildTurnDeployment, buildTurnService } from './turn.ts'

const inputs = renderInputs()

describe('the TURN pods', () => {
  const { spec } = buildTurnDeployment(
    meetingCluster({
      turn: {
        relayPorts: { min: 50000, max: 50999 },
        quotas: { allocationsPerUser: 3, maxKbpsPerSession: 800 },
        drainTimeout: '90m',
      },
    }),
    inputs,
  )
  const pod = spec.template.spec
  const env = Object.fromEntries((pod?.containers[0]?.env ?? []).map((e) => [e.name, e.value]))

  it('REQ-K3: relay on the ports asked for, with the quotas asked for', () => {
    expect(env).toMatchObject({
      TURN_RELAY_MIN: '50000',
      TURN_RELAY_MAX: '50999',
      // Three for each of the seven connections that the largest mesh takes.
      TURN_USER_QUOTA: '21',
      TURN_MAX_BPS: '100000',
    })
  })

  it('REQ-K7: are not rolled by another size of mesh rooms', () => {
    const templates = [2, 8].map((maxParticipants) => {
      const mc = meetingCluster({ mesh: { maxParticipants } })
      return buildTurnDeployment(mc, inputs).spec.template
    })
    expect(templates[0]).toEqual(templates[1])
  })

  it('share the network of the node, and declare its ports so that no two meet on one', () => {
    expect(pod).toMatchObject({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' })
    expect(pod?.containers[0]?.ports).toEqual([
      { name: 'turn-udp', protocol: 'UDP', containerPort: 3478, hostPort: 3478 },
      { name: 'turn-tcp', protocol: 'TCP', containerPort: 3478, hostPort: 3478 },
      { name: 'media-48', protocol: 'UDP', containerPort: 49152, hostPort: 49152 },
      { name: 'media-49', protocol: 'UDP', containerPort: 50176, hostPort: 50176 },
    ])
  })

  it('REQ-K7: wait for their allocations before they go, as long as the drain timeout says', () => {
    expect(pod?.containers[0]?.lifecycle?.preStop).toEqual({
      exec: { command: ['/usr/local/bin/turn-drain'] },
    })
    expect(env).toMatchObject({ TURN_DRAIN_SECONDS: '5400' })
    expect(pod?.terminationGracePeriodSeconds).toBe(5430)
    // One that hangs is ended, whatever it holds.
    expect(pod?.containers[0]?.livenessProbe?.terminationGracePeriodSeconds).toBe(30)
    // Waiting for calls is progress.
    expect(spec.progressDeadlineSeconds).toBeGreaterThan(5430)
  })
})

describe('what coturn reads again while it runs', () => {
  const config = (turn: object) => buildTurnConfig(meetingCluster({ turn }), inputs).data

  it('REQ-K3: denies private networks and the metadata service, and what the spec adds', () => {
    const given = config({ deniedPeers: ['8.8.8.0/24'] })
    expect(given['more-denied-peers']).toBe('8.8.8.0-8.8.8.255\n')
    const denied = given['denied-peers']?.split('\n')
    expect(denied).toEqual(
      expect.arrayContaining([
        '10.0.0.0-10.255.255.255',
        '100.64.0.0-100.127.255.255',
        '127.0.0.0-127.255.255.255',
        '169.254.0.0-169.254.255.255',
        '172.16.0.0-172.31.255.255',
        '192.168.0.0-192.168.255.255',
        'fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
        '::1',
        // The same in IPv6: mapped, translated (NAT64) and tunnelled (6to4) addresses of IPv4.
        '::ffff:0:0-::ffff:ffff:ffff',
        '64:ff9b::-64:ff9b::ffff:ffff',
        '2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      ]),
    )
  })

  it.each([
    ['::/0', '::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['::', '::1'],
    ['0.0.0.0', '0.0.0.0-0.0.0.1'],
    ['0.0.0.0/0', '0.0.0.0-255.255.255.255'],
  ])('REQ-K3: writes %s so that coturn takes it for nothing else', (range, written) => {
    expect(config({ deniedPeers: [range] })['more-denied-peers']).toBe(`${written}\n`)
  })

  it('REQ-K3: whatever the spec allows, the host and metadata services stay denied, and all else is allowed', () => {
    const never = ['127.0.0.0/8', '169.254.0.0/16', '0.0.0.0/8', '100.100.100.200', '168.63.129.16']
    const holds = (text: string, ip: bigint) => {
      const range = parseIpRange(text)
      return range?.family === 4 && range.first <= ip && ip <= range.last
    }
    const anyIp = fc.bigInt(0n, 2n ** 32n - 1n)
    // Ends near what is never allowed are the hard ones.
    const ends = never.flatMap((text) => {
      const { first = 0n, last = 0n } = parseIpRange(text) ?? {}
      return [first - 1n, first, first + 1n, last - 1n, last, last + 1n]
    })
    const someIp = fc.oneof(anyIp, fc.constantFrom(...ends.filter((ip) => ip >= 0n)))
    const some = fc.tuple(someIp, someIp).map((pair) => pair.map((ip) => formatIp(4, ip)).join('-'))
    fc.assert(
      fc.property(fc.array(some, { maxLength: 4 }), someIp, (allowedPeers, ip) => {
        const written = buildTurnConfig(meetingCluster({ turn: { allowedPeers } }), {
          ...inputs,
          nodes: {},
        }).data?.['allowed-peers']
        const allowed = (written ?? '').split('\n').some((line) => holds(line, ip))
        const denied = never.some((text) => holds(text, ip))
        expect(allowed).toBe(!denied && allowedPeers.some((text) => holds(text, ip)))
      }),
      { numRuns: 500 },
    )
    const everything = config({ allowedPeers: ['0.0.0.0/0', '::/0'] })['allowed-peers']
    expect(everything).not.toMatch(/(^|-)(::1|fd00:ec2::254)($|-)/m)
  })

  it('REQ-K3: allows the nodes that have a media pod, or may get one, and the exceptions of the spec', () => {
    const given = (mediaNodes: string[], nodes = inputs.nodes, nodeSelector = { media: 'yes' }) =>
      buildTurnConfig(
        meetingCluster({
          sfu: { engine: 'None' },
          turn: { allowedPeers: ['10.9.0.0/16'], nodeSelector },
        }),
        { ...inputs, nodes, mediaNodes },
      ).data
    const range = '10.9.0.0-10.9.255.255\n'
    const all = `${range}10.1.0.11\n10.1.0.12\n198.51.100.11\n`
    expect(given([])['allowed-peers']).toBe(range)
    expect(given(['n1'])['allowed-peers']).toBe(`${range}10.1.0.11\n198.51.100.11\n`)
    expect(given(['n2', 'n1'])['allowed-peers']).toBe(all)
    // Before any pod is there.
    const labelled = Object.fromEntries(
      Object.entries(inputs.nodes).map(([name, node]) => [
        name,
        { ...node, labels: { media: 'yes' } },
      ]),
    )
    expect(given([], labelled)['allowed-peers']).toBe(all)
    expect(given([], labelled, { media: 'no' })['allowed-peers']).toBe(range)
    // Of a node that is denied anyway, nothing need be said.
    expect(given(['n1'])['more-denied-peers']).toBe('')
    const bare = { ...inputs.nodes, n3: { internal: ['9.9.9.9'], advertised: '9.9.9.10' } }
    expect(given(['n1'], bare)['more-denied-peers']).toBe('9.9.9.10\n9.9.9.9\n')
    expect(given(['n1', 'n3'], bare)['more-denied-peers']).toBe('')
    const podNetworks = ['10.2.0.0/24', '2a01:4f8::/64']
    const routed = { n1: { internal: ['10.1.0.11'], podNetworks } }
    expect(given(['n1'], routed)['more-denied-peers']).toBe(
      '2a01:4f8::-2a01:4f8::ffff:ffff:ffff:ffff\n',
    )
  })

  it('REQ-K3: of an SFU, the nodes that it may get are allowed too', () => {
    const nodes = {
      turn: { internal: ['10.1.0.1'], labels: { for: 'turn' } },
      sfu: { internal: ['10.1.0.2'], labels: { for: 'sfu' } },
      web: { internal: ['10.1.0.3'] },
    }
    const allowed = (engine: 'LiveKit' | 'None') => {
      const turn = { nodeSelector: { for: 'turn' } }
      const mc = meetingCluster({ turn, sfu: { engine, nodeSelector: { for: 'sfu' } } })
      return buildTurnConfig(mc, { ...inputs, nodes }).data['allowed-peers']
    }
    expect(allowed('LiveKit')).toBe('10.1.0.1\n10.1.0.2\n')
    expect(allowed('None')).toBe('10.1.0.1\n')
  })

  it('allows one address that stands for all nodes as soon as one of them may have a media pod', () => {
    const turn = { externalAddresses: ['9.9.9.9'], nodeSelector: { media: 'yes' } }
    const mc = meetingCluster({ turn, sfu: { engine: 'None' } })
    const given = buildTurnConfig(mc, { ...inputs, mediaNodes: ['n1'] }).data
    expect(given['allowed-peers']).toBe('10.1.0.11\n9.9.9.9\n')
    expect(given['more-denied-peers']).toBe('')
  })

  it('says at which address each node is reached', () => {
    expect(JSON.parse(config({})['addresses.json'] ?? '')).toEqual({ n1: '198.51.100.11' })
  })

  it('rolls the pods for another external address in the spec, and for nothing that coturn reads again', () => {
    const checksum = (turn: object, nodes = inputs.nodes) =>
      buildTurnDeployment(meetingCluster({ turn }), { ...inputs, nodes }).spec.template.metadata
        ?.annotations?.[CHECKSUM_ANNOTATION]
    expect(checksum({ externalAddresses: ['203.0.113.9'] })).not.toBe(checksum({}))
    expect(checksum({ deniedPeers: ['8.8.8.8'], allowedPeers: ['10.1.2.3'] })).toBe(checksum({}))
    expect(checksum({}, {})).toBe(checksum({}))
  })

  it('are rolled when a Secret that they mount was made anew, and for no other', () => {
    const checksum = (secretUids: Record<string, string>) =>
      buildTurnDeployment(meetingCluster(), { ...inputs, secretUids }).spec.template.metadata
        ?.annotations?.[CHECKSUM_ANNOTATION]
    const before = checksum({ 'demo-redis-auth': 'one', 'demo-turn-secret': 'two' })
    expect(checksum({ 'demo-redis-auth': 'new', 'demo-turn-secret': 'two' })).not.toBe(before)
    expect(
      checksum({ 'demo-redis-auth': 'one', 'demo-turn-secret': 'two', 'demo-join-key': 'new' }),
    ).toBe(before)
  })
})

it('the Service is headless on the host network, else of the type of the exposure', () => {
  const service = (exposure: 'HostNetwork' | 'LoadBalancer') =>
    buildTurnService(meetingCluster({ turn: { exposure } })).spec
  expect(service('HostNetwork')).toMatchObject({ type: 'ClusterIP', clusterIP: 'None' })
  expect(service('LoadBalancer')).toMatchObject({
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
  })
})

it('REQ-K3: over TLS there is a port, a certificate that pods can start without, and a port of the Service', () => {
  const mc = meetingCluster({ turn: { tls: { secretName: 'web-tls', port: 443 } } })
  const pod = buildTurnDeployment(mc, inputs).spec.template.spec
  const [container] = pod?.containers ?? []
  expect(container?.env).toContainEqual({ name: 'TURN_TLS_PORT', value: '443' })
  expect(container?.ports).toContainEqual(
    expect.objectContaining({ name: 'turn-tls', protocol: 'TCP', hostPort: 443 }),
  )
  const volume = pod?.volumes?.find(({ name }) => name === 'tls-secret')
  expect(volume?.secret).toMatchObject({
    secretName: 'web-tls',
    optional: true,
    defaultMode: 0o440,
  })
  expect(buildTurnService(mc).spec.ports).toContainEqual(
    expect.objectContaining({ name: 'turn-tls', port: 443 }),
  )
})

it('the Service takes the port of the nodes and the annotations that the spec says', () => {
  const mc = meetingCluster({
    turn: { exposure: 'NodePort', service: { nodePort: 30478, annotations: { lb: 'inside' } } },
  })
  const { metadata, spec } = buildTurnService(mc)
  expect(metadata.annotations).toEqual({ lb: 'inside' })
  expect(spec).toMatchObject({ type: 'NodePort', externalTrafficPolicy: 'Local' })
  expect(spec.ports?.map(({ nodePort }) => nodePort)).toEqual([30478, 30478])
})
