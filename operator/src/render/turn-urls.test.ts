import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { renderInputs } from './testing/inputs.ts'
import { advertisedAddresses, type TurnSituation, turnReach } from './turn-urls.ts'

const { nodes } = renderInputs({
  nodes: {
    n1: { internal: ['10.1.0.11'], advertised: '198.51.100.11' },
    n2: { internal: ['10.1.0.12'] },
    n3: { internal: ['10.1.0.13'], advertised: '2001:db8::13' },
  },
})

const reach = (turn: object, situation: Partial<TurnSituation> = {}) =>
  turnReach(meetingCluster({ turn }), nodes, {
    readyNodes: ['n1'],
    nodes: ['n1'],
    service: undefined,
    tls: undefined,
    ...situation,
  })

const service = (ingress: string[], nodePorts: Record<string, number> = {}) => ({
  service: { ingress, nodePorts },
})

describe('the address of a node', () => {
  const addresses = (externalAddresses: string[]) =>
    advertisedAddresses(meetingCluster({ turn: { externalAddresses } }), nodes)

  it('is the one of the spec for all nodes', () => {
    expect(addresses(['203.0.113.9'])).toEqual({
      n1: '203.0.113.9',
      n2: '203.0.113.9',
      n3: '203.0.113.9',
    })
  })

  it('is one of the spec for each node, in the order of names', () => {
    expect(addresses(['203.0.113.1', '203.0.113.2'])).toEqual({
      n1: '203.0.113.1',
      n2: '203.0.113.2',
      n3: '2001:db8::13',
    })
  })

  it('is what is known of the node where the spec gives none', () => {
    expect(addresses([])).toEqual({ n1: '198.51.100.11', n3: '2001:db8::13' })
  })
})

describe('TURN on the host network', () => {
  it('is at the addresses of the nodes, over UDP and TCP, IPv6 in brackets', () => {
    expect(reach({}, { readyNodes: ['n3', 'n1'] })).toEqual({
      urls: [
        'turn:198.51.100.11:3478?transport=udp',
        'turn:198.51.100.11:3478?transport=tcp',
        'turn:[2001:db8::13]:3478?transport=udp',
        'turn:[2001:db8::13]:3478?transport=tcp',
      ],
      waitingFor: undefined,
    })
  })

  it('REQ-K1: names the node that has none, whether pods elsewhere have one or not', () => {
    const { urls, waitingFor } = reach({}, { nodes: ['n1', 'n2'] })
    expect(urls).toHaveLength(2)
    expect(waitingFor).toContain('no ExternalIP on node n2: set spec.turn.externalAddresses')
    expect(reach({}, { nodes: ['n2'], readyNodes: [] }).urls).toEqual([])
  })
})

describe('TURN behind a load balancer', () => {
  const exposure = 'LoadBalancer'

  it('REQ-K1: is where the status of the Service says', () => {
    expect(reach({ exposure }, service(['lb.example.com', '203.0.113.50'])).urls).toEqual([
      'turn:203.0.113.50:3478?transport=udp',
      'turn:203.0.113.50:3478?transport=tcp',
      'turn:lb.example.com:3478?transport=udp',
      'turn:lb.example.com:3478?transport=tcp',
    ])
  })

  it('REQ-K1: is where the spec says, whatever the status of the Service', () => {
    const first = (turn: object) => reach({ exposure, ...turn }, service(['203.0.113.50'])).urls[0]
    const externalAddresses = ['198.51.100.9']
    expect(first({ externalAddresses })).toBe('turn:198.51.100.9:3478?transport=udp')
    expect(first({ externalAddresses, service: { host: 'turn.example.com' } })).toBe(
      'turn:turn.example.com:3478?transport=udp',
    )
  })

  it('REQ-K1: waits for its address, and says for what', () => {
    const { urls, waitingFor } = reach({ exposure }, service([]))
    expect(urls).toEqual([])
    expect(waitingFor).toContain('Service demo-turn has no address of a load balancer yet')
  })

  it('is nowhere while no pod is ready', () => {
    expect(reach({ exposure }, { ...service(['203.0.113.50']), readyNodes: [] }).urls).toEqual([])
  })
})

describe('TURN at ports of the nodes', () => {
  const exposure = 'NodePort'
  const ports = { 'turn-udp': 30478, 'turn-tcp': 30479, 'turn-tls': 30480 }

  it('REQ-K1: is at the addresses of nodes with a ready pod, at the ports of the Service', () => {
    expect(reach({ exposure }, service([], ports)).urls).toEqual([
      'turn:198.51.100.11:30478?transport=udp',
      'turn:198.51.100.11:30479?transport=tcp',
    ])
  })

  it('waits for those ports', () => {
    const { urls, waitingFor } = reach({ exposure }, service([]))
    expect({ urls, waitingFor }).toEqual({
      urls: [],
      waitingFor: 'Service demo-turn has no port of the nodes yet',
    })
  })

  it('REQ-K3: over TLS too', () => {
    const tls = { host: 'turn.example.com' }
    expect(reach({ exposure }, { ...service([], ports), tls }).urls.at(-1)).toBe(
      'turns:turn.example.com:30480?transport=tcp',
    )
  })
})

describe('TURN over TLS', () => {
  it('REQ-K3: is at the name of its certificate, last, since the others are faster', () => {
    const tls = { host: 'turn.example.com' }
    expect(reach({}, { tls }).urls).toEqual([
      'turn:198.51.100.11:3478?transport=udp',
      'turn:198.51.100.11:3478?transport=tcp',
      'turns:turn.example.com:5349?transport=tcp',
    ])
    expect(reach({}, { tls, readyNodes: [] }).urls).toEqual([])
  })
})
