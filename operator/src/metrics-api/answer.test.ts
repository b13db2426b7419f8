import { describe, expect, it } from '@jest/globals'
import { answer } from './answer.ts'
import type { Served } from './discovery.ts'
import { type FigureSource, quantity } from './figures.ts'
import { CUSTOM, EXTERNAL } from './groups.ts'
import { attributesOf, parseQuestion } from './request.ts'

const at = Date.UTC(2026, 10, 21, 12)
const served: Served = {
  groups: [EXTERNAL, CUSTOM],
  metrics: ['parley_relay_mbps', 'parley_sfu_tracks'],
}
const pods = [
  { name: 'demo-turn-a', labels: { 'app.kubernetes.io/component': 'turn' }, value: 12.3456 },
  { name: 'demo-turn-b', labels: { 'app.kubernetes.io/component': 'turn' }, value: 0 },
]
const figures: FigureSource = {
  ofClusters: async ({ namespace, metric, wants }) =>
    namespace === 'meetings' && metric === 'parley_relay_mbps'
      ? ['demo', 'other']
          .map((cluster) => ({ labels: { cluster }, value: cluster.length, at }))
          .filter(({ labels }) => wants(labels))
      : [],
  ofPods: async ({ wants }) =>
    pods.filter(wants).map(({ name, value }) => ({ pod: name, value, at })),
}
const get = (target: string, accept?: string, what = served) =>
  answer(parseQuestion(target), what, figures, accept)

const external = '/apis/external.metrics.k8s.io/v1beta1'
const custom = '/apis/custom.metrics.k8s.io/v1beta2'

describe('external metrics', () => {
  it('are one value for each MeetingCluster that the selector picks', async () => {
    const all = await get(`${external}/namespaces/meetings/parley_relay_mbps`)
    expect(all).toMatchObject({ status: 200, body: { items: [{ value: '4' }, { value: '5' }] } })
    const one = await get(
      `${external}/namespaces/meetings/parley_relay_mbps?labelSelector=cluster%3Dother`,
    )
    expect(one.body).toMatchObject({
      items: [{ metricLabels: { cluster: 'other' }, timestamp: '2026-11-21T12:00:00Z' }],
    })
  })

  it('are an empty list where nothing is known, so that autoscalers hold', async () => {
    expect(await get(`${external}/namespaces/meetings/parley_sfu_tracks`)).toMatchObject({
      status: 200,
      body: { items: [] },
    })
  })

  it.each([
    [404, `${external}/namespaces/meetings/no_such_metric`],
    [404, `${external}/parley_relay_mbps`],
    [404, '/apis/external.metrics.k8s.io/v1'],
    [404, '/healthz'],
    [404, '/%'],
    [400, `${external}/namespaces/meetings/parley_relay_mbps?labelSelector=%3D`],
  ])('%i for %s', async (status, path) => {
    expect(await get(path)).toMatchObject({ status, body: { kind: 'Status', code: status } })
  })

  it('are all there is where the others are not served', async () => {
    const only = { ...served, groups: [EXTERNAL] }
    const path = `${custom}/namespaces/meetings/pods/*/parley_relay_mbps`
    expect((await get(path, undefined, only)).status).toBe(404)
    expect((await get(custom, undefined, only)).status).toBe(404)
    expect((await get(external, undefined, only)).status).toBe(200)
  })
})

describe('custom metrics', () => {
  it('are one value for each pod that the selector picks', async () => {
    const selector = encodeURIComponent('app.kubernetes.io/component=turn')
    const { body } = await get(
      `${custom}/namespaces/meetings/pods/*/parley_relay_mbps?labelSelector=${selector}`,
    )
    expect(body).toEqual({
      kind: 'MetricValueList',
      apiVersion: 'custom.metrics.k8s.io/v1beta2',
      metadata: {},
      items: [
        {
          describedObject: {
            apiVersion: 'v1',
            kind: 'Pod',
            namespace: 'meetings',
            name: 'demo-turn-a',
          },
          metric: { name: 'parley_relay_mbps', selector: null },
          timestamp: '2026-11-21T12:00:00Z',
          windowSeconds: null,
          value: '12346m',
        },
        expect.objectContaining({ value: '0' }),
      ],
    })
  })

  it('are of one pod where its name is given', async () => {
    const path = (pod: string) => `${custom}/namespaces/meetings/pods/${pod}/parley_relay_mbps`
    expect((await get(path('demo-turn-b'))).body).toMatchObject({ items: [{ value: '0' }] })
    expect((await get(path('demo-turn-c'))).status).toBe(404)
  })
})

describe('discovery', () => {
  it('lists groups and their metrics, as readable only: nobody tries to delete them', async () => {
    expect((await get('/apis')).body).toMatchObject({
      kind: 'APIGroupList',
      groups: [{ name: 'external.metrics.k8s.io' }, { name: 'custom.metrics.k8s.io' }],
    })
    expect((await get('/apis/external.metrics.k8s.io')).body).toMatchObject({
      preferredVersion: { version: 'v1beta1' },
    })
    expect((await get(`${external}/`)).body).toMatchObject({
      resources: [{ name: 'parley_relay_mbps', namespaced: true, verbs: ['get'] }, {}],
    })
    expect((await get(custom)).body).toMatchObject({
      resources: [{ name: 'pods/parley_relay_mbps' }, { name: 'pods/parley_sfu_tracks' }],
    })
  })

  it('is one document for those who can read that', async () => {
    const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const found = await get('/apis', `${type},application/json`)
    expect(found).toMatchObject({
      type,
      body: {
        apiVersion: 'apidiscovery.k8s.io/v2',
        items: [
          { versions: [{ resources: [{ resource: 'parley_relay_mbps' }, {}] }] },
          {
            versions: [
              {
                resources: [
                  { resource: 'pods', subresources: [{ subresource: 'parley_relay_mbps' }, {}] },
                ],
              },
            ],
          },
        ],
      },
    })
  })
})

describe('what has to be allowed', () => {
  it.each([
    [
      `${external}/namespaces/a/parley_relay_mbps?labelSelector=x`,
      {
        group: 'external.metrics.k8s.io',
        version: 'v1beta1',
        namespace: 'a',
        resource: 'parley_relay_mbps',
        verb: 'list',
      },
    ],
    [
      `${custom}/namespaces/a/pods/*/parley_relay_mbps`,
      {
        group: 'custom.metrics.k8s.io',
        version: 'v1beta2',
        namespace: 'a',
        resource: 'pods',
        subresource: 'parley_relay_mbps',
        name: '*',
        verb: 'get',
      },
    ],
  ])('%s', (target, resourceAttributes) => {
    expect(attributesOf(parseQuestion(target))).toEqual({ resourceAttributes })
  })

  it('is a path for everything else', () => {
    expect(attributesOf(parseQuestion('/apis?timeout=32s'))).toEqual({
      nonResourceAttributes: { path: '/apis', verb: 'get' },
    })
  })
})

it.each([
  [0, '0'],
  [400, '400'],
  [412.5, '412500m'],
  [0.0004, '0m'],
  [1_000_000, '1000000'],
])('the quantity of %d is %s', (value, text) => {
  expect(quantity(value)).toBe(text)
})
