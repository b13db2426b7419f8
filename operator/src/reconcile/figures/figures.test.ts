import { describe, expect, it } from '@jest/globals'
import type { Component } from '../../api/index.ts'
import { FakeClock } from '../../runtime/fake-clock.ts'
import type { PodEntry } from '../observed.ts'
import { Figures } from './figures.ts'
import type { ScrapeTarget } from './pod-scraper.ts'

const load = (mbps: Record<string, number>) => ({
  at: 0,
  pods: Object.fromEntries(
    Object.entries(mbps).map(([pod, relayedMbps]) => [
      pod,
      { allocations: 10, users: 5, relayedMbps },
    ]),
  ),
})

function pod(component: Component, name: string, change: Partial<PodEntry> = {}): PodEntry {
  return {
    uid: name,
    resourceVersion: '1',
    group: 'meetings/demo',
    name,
    namespace: 'meetings',
    cluster: 'demo',
    component,
    node: 'n1',
    ip: `ip-of-${name}`,
    ready: true,
    leaving: false,
    problem: undefined,
    keysGeneration: 0,
    ...change,
  }
}

function setUp(pods: PodEntry[]) {
  const state = {
    pods,
    load: load({}) as unknown,
    texts: {} as Record<string, string | Error>,
    asked: [] as string[],
  }
  const clock = new FakeClock()
  const figures = new Figures({
    meter: {
      async get(target, path, schema) {
        state.asked.push(`${target.key}${path}`)
        if (state.load instanceof Error) throw state.load
        return schema.parse(state.load)
      },
    },
    scraper: {
      async scrape({ name, ip, port }: ScrapeTarget) {
        state.asked.push(`${ip}:${port}`)
        const text = state.texts[name] ?? new Error('refused')
        if (text instanceof Error) throw text
        return text
      },
      close: async () => {},
    },
    clustersIn: (namespace) =>
      namespace === 'meetings'
        ? [
            { key: 'meetings/demo', name: 'demo' },
            { key: 'meetings/other', name: 'other' },
          ]
        : [],
    podsOf: (key, component) =>
      key === 'meetings/demo' ? state.pods.filter((entry) => entry.component === component) : [],
    meterOf: (key) => ({ key, namespace: 'meetings', service: 's', tokenSecret: 't' }),
    labelsOf: (_, component) => ({ 'app.kubernetes.io/component': component }),
    clock,
  })
  const ofDemo = async (metric: string) => {
    const wants = ({ cluster }: Readonly<Record<string, string>>) => cluster === 'demo'
    const found = await figures.ofClusters({ namespace: 'meetings', metric, wants })
    return found.map(({ value }) => value)
  }
  return { figures, state, clock, ofDemo }
}

describe('the figures of TURN', () => {
  it('are summed over the pods of the MeetingCluster that is asked for, from its meter', async () => {
    const { state, ofDemo } = setUp([pod('turn', 'a'), pod('turn', 'b')])
    state.load = load({ a: 300, b: 112.5 })
    expect(await ofDemo('parley_relay_mbps')).toEqual([412.5])
    expect(await ofDemo('parley_relay_allocations')).toEqual([20])
    expect(state.asked).toEqual(['meetings/demo/load'])
  })

  it('are 0 of pods that relay nothing, which the meter does not mention', async () => {
    const { ofDemo } = setUp([pod('turn', 'a')])
    expect(await ofDemo('parley_relay_mbps')).toEqual([0])
  })

  it('leave out pods that drain or are gone: what they carry is no reason for more', async () => {
    const { state, ofDemo } = setUp([pod('turn', 'a'), pod('turn', 'b', { leaving: true })])
    state.load = load({ a: 1, b: 500, gone: 500 })
    expect(await ofDemo('parley_relay_mbps')).toEqual([1])
  })

  it('are read anew after 10 s, once for all who ask at the same time', async () => {
    const { state, clock, ofDemo } = setUp([pod('turn', 'a')])
    await Promise.all([ofDemo('parley_relay_mbps'), ofDemo('parley_relay_mbps')])
    await clock.advance(9_999)
    await ofDemo('parley_relay_mbps')
    expect(state.asked).toHaveLength(1)
    await clock.advance(1)
    await ofDemo('parley_relay_mbps')
    expect(state.asked).toHaveLength(2)
  })

  it('are told for a minute after the meter has gone, and then not at all', async () => {
    const { state, clock, ofDemo } = setUp([pod('turn', 'a')])
    state.load = load({ a: 7 })
    expect(await ofDemo('parley_relay_mbps')).toEqual([7])
    state.load = new Error('no endpoints')
    await clock.advance(59_000)
    expect(await ofDemo('parley_relay_mbps')).toEqual([7])
    await clock.advance(1_000)
    expect(await ofDemo('parley_relay_mbps')).toEqual([])
    state.load = { nonsense: true }
    expect(await ofDemo('parley_relay_mbps')).toEqual([])
  })
})

describe('the figures of the SFU', () => {
  const text = (rooms: number, published: number, subscribed: number) => `
livekit_room_total{node_id="x"} ${rooms}
livekit_track_published_total{kind="AUDIO"} ${published}
livekit_track_subscribed_total{kind="AUDIO"} ${subscribed}
`

  it('are rooms, and tracks both ways, of each pod at its own address', async () => {
    const { state, ofDemo, figures } = setUp([pod('sfu', 'a'), pod('sfu', 'b')])
    state.texts = { a: text(2, 10, 40), b: '# nothing has happened yet\n' }
    expect(await ofDemo('parley_sfu_tracks')).toEqual([50])
    expect(await ofDemo('parley_sfu_rooms')).toEqual([2])
    expect(state.asked).toEqual(['ip-of-a:6789', 'ip-of-b:6789'])
    const wants = ({ labels }: { labels: object }) => 'app.kubernetes.io/component' in labels
    const found = await figures.ofPods({
      namespace: 'meetings',
      metric: 'parley_sfu_tracks',
      wants,
    })
    expect(found.map(({ pod, value }) => [pod, value])).toEqual([
      ['a', 50],
      ['b', 0],
    ])
  })

  it('are not there while one of several pods does not answer: the rest would look like too little', async () => {
    const { state, ofDemo } = setUp([pod('sfu', 'a'), pod('sfu', 'b')])
    state.texts = { a: text(2, 10, 40), b: new Error('refused') }
    expect(await ofDemo('parley_sfu_tracks')).toEqual([])
    state.pods = [pod('sfu', 'a'), pod('sfu', 'b', { ready: false })]
    expect(await ofDemo('parley_sfu_tracks')).toEqual([50])
  })

  it('are not there without pods', async () => {
    expect(await setUp([]).ofDemo('parley_sfu_rooms')).toEqual([])
  })
})

describe('the figures of signaling', () => {
  const text = (sockets: number, rooms: number) =>
    `parley_signaling_sockets ${sockets}\nparley_signaling_room_shares ${rooms}\n`

  it('REQ-K6: are sockets, and rooms, of which a replica has a share where others hold people too', async () => {
    const { state, ofDemo, figures } = setUp([pod('signaling', 'a'), pod('signaling', 'b')])
    state.texts = { a: text(30, 3.25), b: text(12, 1.7500001) }
    expect(await ofDemo('parley_signaling_sockets')).toEqual([42])
    expect(await figures.rooms('meetings/demo')).toBe(5)
  })

  it.each([
    [-3, 0],
    [1e300, Number.MAX_SAFE_INTEGER],
  ])('whatever it says of rooms (%d), the status takes it', async (said, rooms) => {
    const { state, figures } = setUp([pod('signaling', 'a')])
    state.texts = { a: text(1, said) }
    expect(await figures.rooms('meetings/demo')).toBe(rooms)
  })

  it('are not there where signaling does not count', async () => {
    const { state, ofDemo, figures } = setUp([pod('signaling', 'a')])
    state.texts = { a: 'something_else 1\n' }
    expect(await ofDemo('parley_signaling_sockets')).toEqual([])
    expect(await figures.rooms('meetings/demo')).toBeUndefined()
    state.texts = { a: 'parley_signaling_sockets 4\n' }
    expect(await ofDemo('parley_signaling_sockets')).toEqual([4])
    expect(await figures.rooms('meetings/demo')).toBeUndefined()
  })
})

it('there is nothing of metrics and namespaces that nobody knows', async () => {
  const { figures } = setUp([pod('turn', 'a')])
  const all = { wants: () => true }
  expect(await figures.ofClusters({ ...all, namespace: 'x', metric: 'parley_relay_mbps' })).toEqual(
    [],
  )
  for (const metric of ['nonsense', 'constructor']) {
    expect(await figures.ofClusters({ ...all, namespace: 'meetings', metric })).toEqual([])
    expect(await figures.ofPods({ ...all, namespace: 'meetings', metric })).toEqual([])
  }
})
