import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import pino from 'pino'
import type { Attributes } from './authorizer.ts'
import { type Pair, renewedIdentity, type ServingIdentity } from './certificate.ts'
import type { FrontProxy, Identity } from './front-proxy.ts'
import { CUSTOM, EXTERNAL } from './groups.ts'
import { type MetricsServer, serveMetrics } from './server.ts'
import { ask } from './testing/ask.ts'
import { clientAuthority, clientCertificate } from './testing/certificates.ts'

// Keys of RSA take their time on a busy machine.
jest.setTimeout(120_000)

/** The real server over real TLS; who may do what is said by the test. */

const HOST = 'metrics.parley-system.svc'
const METRIC = '/apis/external.metrics.k8s.io/v1beta1/namespaces/meetings/parley_relay_mbps'

let identity: ServingIdentity
let server: MetricsServer
let authority: Pair
let frontProxy: Pair
let reviews: [Identity, Attributes][] = []
let mayRead: boolean | Error = true

const proxyOf = (ca: Pair, allowedNames = ['front-proxy']): FrontProxy => ({
  ca: ca.certificate,
  allowedNames,
  usernameHeaders: ['X-Remote-User'],
  groupHeaders: ['X-Remote-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-'],
})
const asJane = { 'x-remote-user': 'jane', 'x-remote-group': ['ops', 'system:authenticated'] }

beforeAll(async () => {
  identity = (await renewedIdentity({}, [HOST], Date.now())) as ServingIdentity
  authority = await clientAuthority('front-proxy-ca')
  frontProxy = await clientCertificate('front-proxy', authority)
  server = await serveMetrics({
    port: 0,
    served: { groups: [EXTERNAL, CUSTOM], metrics: ['parley_relay_mbps'] },
    figures: {
      ofClusters: async ({ wants }) => {
        const labels = { cluster: 'demo' }
        return wants(labels) ? [{ labels, value: 412.5, at: 1_790_000_000_123 }] : []
      },
      ofPods: async () => [],
    },
    authorizer: {
      async allows(who, what) {
        reviews.push([who, what])
        if (mayRead instanceof Error) throw mayRead
        return mayRead
      },
    },
    log: pino({ level: 'silent' }),
  })
})
beforeEach(() => {
  reviews = []
  mayRead = true
  server.use(identity, proxyOf(authority))
})
afterAll(() => server?.close())

const get = (
  client: Pair | undefined,
  headers: Record<string, string | string[]> = asJane,
  path = METRIC,
  method = 'GET',
) =>
  ask({ port: server.port, ca: identity.caBundle, host: HOST }, path, { client, headers, method })

describe('the front proxy is answered', () => {
  it('on behalf of a user who may read, with a value and its labels', async () => {
    const { status, body } = await get(frontProxy, asJane, `${METRIC}?labelSelector=cluster%3Ddemo`)
    expect(status).toBe(200)
    expect(body).toEqual({
      kind: 'ExternalMetricValueList',
      apiVersion: 'external.metrics.k8s.io/v1beta1',
      metadata: {},
      items: [
        {
          metricName: 'parley_relay_mbps',
          metricLabels: { cluster: 'demo' },
          timestamp: '2026-09-21T14:13:20Z',
          value: '412500m',
        },
      ],
    })
    expect(reviews).toEqual([
      [
        { user: 'jane', groups: ['ops', 'system:authenticated'], extra: {} },
        {
          resourceAttributes: {
            group: 'external.metrics.k8s.io',
            version: 'v1beta1',
            namespace: 'meetings',
            resource: 'parley_relay_mbps',
            verb: 'list',
          },
        },
      ],
    ])
  })

  it('with 403 for a user who may not read, and 500 where nobody can say: never with figures', async () => {
    mayRead = false
    expect((await get(frontProxy)).status).toBe(403)
    mayRead = new Error('the API server is away')
    const { status, body } = await get(frontProxy)
    expect(status).toBe(500)
    expect(JSON.stringify(body)).not.toContain('away')
  })

  it('only to reading', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
      expect((await get(frontProxy, asJane, METRIC, method)).status).toBe(405)
  })
})

describe('nobody else is answered', () => {
  const refused = async (client: Pair | undefined, headers?: Record<string, string>) => {
    expect((await get(client, headers)).status).toBe(401)
    expect(reviews).toEqual([])
  }

  it('without a certificate', () => refused(undefined))

  it('with a certificate of another authority, whatever name is on it', async () => {
    const other = await clientAuthority('front-proxy-ca')
    await refused(await clientCertificate('front-proxy', other))
    await refused(await clientAuthority('front-proxy'))
  })

  it('with a certificate of the right authority in a name that is not allowed', async () =>
    refused(await clientCertificate('somebody', authority)))

  it('for nobody, or for anonymous', async () => {
    await refused(frontProxy, {})
    await refused(frontProxy, { 'x-remote-user': '' })
    await refused(frontProxy, {
      'x-remote-user': 'system:anonymous',
      'x-remote-group': 'system:unauthenticated',
    })
  })

  it('while it is not known who the front proxy is', () => {
    server.use(identity, undefined)
    return refused(frontProxy)
  })

  it('once the authority has been replaced, also not over connections that are open', async () => {
    const next = await clientAuthority('front-proxy-ca-2')
    server.use(identity, proxyOf(next))
    await refused(frontProxy)
    expect((await get(await clientCertificate('front-proxy', next))).status).toBe(200)
  })
})

it('takes any name where none is listed, as the API server does', async () => {
  server.use(identity, proxyOf(authority, []))
  expect((await get(await clientCertificate('aggregator', authority))).status).toBe(200)
})
