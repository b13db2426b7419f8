import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { selectorOf } from './names.ts'
import { renderNetworkPolicies } from './network-policy.ts'
import { renderInputs } from './testing/inputs.ts'

const policies = (spec: Parameters<typeof meetingCluster>[0] = {}, inputs = renderInputs()) =>
  Object.fromEntries(
    renderNetworkPolicies(meetingCluster(spec), inputs).map((policy) => [
      policy.metadata.name,
      policy.spec,
    ]),
  )
const mc = meetingCluster()
const pods = (component: 'signaling' | 'meter' | 'webapp' | 'redis') => ({
  podSelector: { matchLabels: selectorOf(mc, component) },
})

describe('REQ-K1: network policies', () => {
  it('let Redis be reached by signaling, the meter, and every node, as a TURN pod may be on any', () => {
    expect(policies()['demo-redis']).toMatchObject({
      ingress: [
        {
          from: [
            pods('signaling'),
            pods('meter'),
            { ipBlock: { cidr: '10.1.0.11/32' } },
            { ipBlock: { cidr: '10.1.0.12/32' } },
          ],
          ports: [{ protocol: 'TCP', port: 6379 }],
        },
      ],
    })
    expect(policies()['demo-redis']).not.toHaveProperty('egress')
  })

  it.each(['webapp', 'signaling'])(
    'let the %s reach the SFU at its signaling port, on every node, where there is one',
    (component) => {
      const toNodes = (engine: 'LiveKit' | 'None') =>
        policies({ sfu: { engine } })[`demo-${component}`]?.egress?.filter(({ to = [] }) =>
          to.some((peer) => 'ipBlock' in peer),
        )
      expect(toNodes('LiveKit')).toEqual([
        {
          to: [{ ipBlock: { cidr: '10.1.0.11/32' } }, { ipBlock: { cidr: '10.1.0.12/32' } }],
          ports: [{ protocol: 'TCP', port: 7880 }],
        },
      ])
      expect(toNodes('None')).toEqual([])
      // A flow to nobody in particular would be one to everybody.
      const unknown = policies({ sfu: { engine: 'LiveKit' } }, renderInputs({ nodes: {} }))
      expect(JSON.stringify(unknown[`demo-${component}`])).not.toContain('7880')
    },
  )

  it('REQ-W5: let signaling ask the identity provider and the error tracker, and without them nobody outside', () => {
    const ports = (spec: Parameters<typeof policies>[0]) =>
      policies(spec)
        ['demo-signaling']?.egress?.filter(({ to }) => to === undefined)
        .flatMap(({ ports }) => ports.map(({ protocol, port }) => `${protocol} ${port}`))
    const oidc = { issuer: 'https://id.example.com:8443', clientId: 'c' }
    const spec = {
      signaling: { auth: { mode: 'OIDC' as const, oidc } },
      monitoring: { errors: { dsn: 'https://k@e.example.com/1' } },
    }
    expect(ports({})).toEqual(['UDP 53', 'TCP 53'])
    expect(ports(spec)).toEqual(['UDP 53', 'TCP 53', 'TCP 443', 'TCP 8443'])
  })

  it('let signaling be reached by the web page, by Prometheus and by the operator', () => {
    const inputs = renderInputs({ operatorNamespace: 'parley-system' })
    const [ingress] = policies({}, inputs)['demo-signaling']?.ingress ?? []
    expect(ingress?.from).toEqual([
      pods('webapp'),
      expect.objectContaining({
        podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } },
      }),
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'parley-system' } },
        podSelector: {
          matchLabels: {
            'app.kubernetes.io/component': 'operator',
            'app.kubernetes.io/part-of': 'parley',
          },
        },
      },
    ])
  })

  it('let signaling be reached through the API server by an operator outside of the cluster', () => {
    const nodes = { n1: { internal: ['10.1.0.11'], podNetworks: ['10.2.1.0/24'] } }
    const [ingress] = policies({}, renderInputs({ nodes }))['demo-signaling']?.ingress ?? []
    expect(ingress?.from).toContainEqual({
      ipBlock: { cidr: '0.0.0.0/0', except: ['10.2.1.0/24'] },
    })
  })

  it('let signaling be reached by whoever stands in front where there is no web page of ours', () => {
    const [ingress] = policies({ webapp: { enabled: false } })['demo-signaling']?.ingress ?? []
    expect(ingress).toEqual({ ports: [{ protocol: 'TCP', port: 8080 }] })
  })

  it('let the meter be reached by the API server, which is no pod, by Prometheus and by signaling', () => {
    const node = (...podNetworks: string[]) => ({ internal: ['10.1.0.11'], podNetworks })
    const nodes = { n1: node('10.2.1.0/24', 'fd00:1::/64'), n2: node('10.2.2.0/24') }
    const [ingress] = policies({}, renderInputs({ nodes }))['demo-meter']?.ingress ?? []
    expect(ingress?.ports).toEqual([{ protocol: 'TCP', port: 8090 }])
    expect(ingress?.from).toEqual([
      { ipBlock: { cidr: '0.0.0.0/0', except: ['10.2.1.0/24', '10.2.2.0/24'] } },
      { ipBlock: { cidr: '::/0', except: ['fd00:1::/64'] } },
      expect.objectContaining({
        podSelector: { matchLabels: { 'k8s-app': 'konnectivity-agent' } },
      }),
      expect.objectContaining({ podSelector: { matchLabels: { app: 'konnectivity-agent' } } }),
      expect.objectContaining({
        podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } },
      }),
      pods('signaling'),
    ])
    expect(policies()['demo-signaling']?.egress).toContainEqual({
      to: [pods('meter')],
      ports: [{ protocol: 'TCP', port: 8090 }],
    })
  })

  it('let the meter be reached from anywhere where nobody knows the networks of pods', () => {
    const node = { internal: ['10.1.0.11'] }
    for (const nodes of [{}, { n1: node, n2: { ...node, podNetworks: ['10.2.2.0/24'] } }])
      expect(policies({}, renderInputs({ nodes }))['demo-meter']?.ingress).toEqual([
        { ports: [{ protocol: 'TCP', port: 8090 }] },
      ])
  })

  it('let the meter out to its database, at its port', () => {
    const mysql = { secretName: 'mine', port: 3307 }
    const policy = policies({ store: { mode: 'MySQL', mysql } })['demo-meter']
    expect(policy?.egress).toContainEqual({ ports: [{ protocol: 'TCP', port: 3307 }] })
    expect(JSON.stringify(policies()['demo-meter']?.egress)).not.toContain('3306')
  })

  it('let out what goes to an external Redis, at its port', () => {
    const external = policies({ redis: { mode: 'External', external: { url: 'redis://r:7000' } } })
    expect(external['demo-signaling']?.egress).toContainEqual({
      ports: [{ protocol: 'TCP', port: 7000 }],
    })
    expect(external).not.toHaveProperty('demo-redis')
  })

  it('let out what goes to an external Redis whose port only a Secret knows, at any port', () => {
    const external = policies({ redis: { mode: 'External', external: { secretName: 'mine' } } })
    for (const name of ['demo-signaling', 'demo-meter'])
      expect(external[name]?.egress).toContainEqual({ ports: [{ protocol: 'TCP' }] })
  })

  it('govern both directions: what they do not name is closed', () => {
    for (const policy of Object.values(policies()))
      expect(policy.policyTypes).toEqual(['Ingress', 'Egress'])
    expect(Object.keys(policies())).toEqual([
      'demo-signaling',
      'demo-meter',
      'demo-webapp',
      'demo-redis',
    ])
  })

  it('are absent where they are not wanted', () => {
    expect(policies({ networkPolicy: { enabled: false } })).toEqual({})
  })
})
