/** Series of a replica: bounded by what the server is, never by who meets there or what clients say. */
import { describe, expect, it } from '@jest/globals'
import {
  clientMetrics,
  errorCodes,
  meetingMetrics,
  qualityLabels,
  signalingMetrics,
  trafficMetrics,
  type WebrtcSample,
} from '@parley/protocol'
import fc from 'fast-check'
import { Registry } from 'prom-client'
import { createClientMetrics } from './meeting-metrics/client-metrics.ts'
import { createMetrics } from './metrics.ts'
import { createLinkMetrics } from './reasons/link-metrics.ts'
import { TrafficOutbox } from './traffic/outbox.ts'
import { registerTraffic } from './traffic/prometheus.ts'
import { noWriteAhead } from './traffic/write-ahead.ts'

const catalogue = [
  ...Object.values(meetingMetrics),
  ...Object.values(signalingMetrics),
  ...Object.values(clientMetrics),
  ...Object.values(trafficMetrics),
]
const routes = ['/api/config', '/api/rooms/:room/join', '(none)']
const methods = ['GET', 'POST']
const statuses = ['200', '404', '500']
/** 20 rooms and the others; of histograms at most 8 bounds, and +Inf, sum and count of each; 52 of the rest. */
const seriesMax =
  21 + errorCodes.length + routes.length * methods.length * (statuses.length + 2) + 4 * 11 + 52

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
const someone = fc.record({
  ...{ tenant: id, room: id, participant: id },
  rtt: fc.double({ min: 0, max: 1e6, noNaN: true }),
  code: fc.integer({ min: 300, max: 799 }),
  transport: fc.constantFrom('udp' as const, 'tcp' as const, 'tls' as const),
  refusal: fc.constantFrom(...errorCodes),
  quality: fc.constantFrom(...qualityLabels),
  route: fc.constantFrom(...routes),
  method: fc.constantFrom(...methods),
  status: fc.constantFrom(...statuses),
})
type Someone = typeof someone extends fc.Arbitrary<infer T> ? T : never

function sampleOf({ tenant, room, participant, rtt, quality }: Someone): WebrtcSample {
  return {
    ...{ tenant, room, participant, quality, at: 60_000, durationMs: 60_000 },
    ...{ bytesSent: 1, bytesReceived: 1, lossPercent: 1, jitterMs: 1, mos: 4 },
    rttMs: { avg: rtt, min: rtt, max: rtt },
    ...{ connectedMs: 60_000, relayedMs: 0, reconnections: 1 },
  }
}

/** A replica to which all of them came. */
async function scraped(people: readonly Someone[]): Promise<string> {
  const registry = new Registry()
  const rooms = new Map<string, number>()
  for (const { tenant, room } of people)
    rooms.set(`${tenant}.${room}`, (rooms.get(`${tenant}.${room}`) ?? 0) + 1)
  createMetrics(
    {
      participantsByRoom: () => rooms,
      sockets: () => people.length,
      roomShares: async () => rooms.size,
    },
    registry,
  )
  const client = createClientMetrics(registry)
  const link = createLinkMetrics(registry)
  const outbox = new TrafficOutbox({
    ...{ source: 'a', writeAhead: noWriteAhead, bufferSize: 10, now: () => 0 },
    push: async (_source, batches) => ({ taken: batches.length, stored: 0 }),
  })
  registerTraffic(registry, outbox)
  for (const one of people) {
    client.minute([sampleOf(one)])
    client.took('merged')
    client.refused(one.refusal)
    link(one.participant, {
      ...{ link: 0, ageMs: one.rtt, peer: null, policy: 'all', mappingVaries: false },
      gathered: { host: true, srflx: false, relay: true },
      answered: { udp: true, tcp: false, tls: false },
      ...{ failedPairs: 0, ended: false, selected: { local: 'host', remote: 'host' } },
      errors: [{ transport: one.transport, code: one.code }],
    })
    for (const [protocol, name] of [
      ['http', one.route],
      ['webrtc', `${one.tenant}/${one.room}`],
    ] as const)
      outbox.record({
        ...{ protocol, name, method: one.method, status: one.status },
        ...{ micros: 1, bytesIn: 1, bytesOut: 1 },
      })
  }
  outbox.seal()
  return registry.metrics()
}

describe('REQ-A5: series of a replica', () => {
  it('are bounded, whoever comes and whatever they say, with the labels of the catalogue alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someone, { maxLength: 200 }), async (people) => {
        const text = await scraped(people)
        const series = text.split('\n').filter((line) => line && !line.startsWith('#'))
        expect(series.length).toBeLessThanOrEqual(seriesMax)
        for (const line of series) {
          const [, name = '', labels = ''] = /^([\w:]+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
          const plain = name.replace(/_(bucket|sum|count)$/, '')
          const metric = catalogue.find((one) => one.name === name || one.name === plain)
          // Else docs/metrics.md, which is made of the catalogue, does not have it.
          expect({ line, metric }).toEqual({ line, metric: expect.anything() })
          const named = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).sort()
          const due = [...(metric?.labels ?? []), ...(name.endsWith('_bucket') ? ['le'] : [])]
          expect({ line, named }).toEqual({ line, named: due.sort() })
        }
      }),
      { numRuns: 100 },
    )
  }, 60_000)
})
