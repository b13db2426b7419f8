import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { initialCall, type RemoteParticipant } from '../call/callState.ts'
import { initialLocal } from '../media/localState.ts'
import { HealthLog } from './HealthLog.ts'
import {
  type HealthInput,
  healthReport,
  healthText,
  type LinkHealth,
  pathOf,
} from './healthReport.ts'
import { Rates } from './Rates.ts'
import { noteChanges } from './watchHealth.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

const link: LinkHealth = {
  person: 1,
  link: 'connected',
  sfu: false,
  usingRelay: false,
  localCandidate: 'srflx',
  remoteCandidate: 'host',
  relayProtocol: undefined,
  rttMs: 42.25,
  lossPercent: 0,
  sentKbps: 800,
  receivedKbps: undefined,
  quality: 'excellent',
  localAddress: '203.0.113.7',
  remoteAddress: '198.51.100.9',
}
const input: HealthInput = {
  at: 0,
  browser: 'Firefox 140',
  secureContext: true,
  language: 'en',
  call: { phase: 'joined', signaling: 'up', error: null, relayForced: false },
  notes: [],
  encryption: 'direct',
  microphone: { on: true, problem: null, settings: undefined },
  camera: { on: false, problem: 'denied', settings: undefined },
  links: [link],
  events: [{ at: 1000, what: 'person 1: connected' }],
}

describe('the health report', () => {
  it('REQ-M6: has addresses in it only where the person wants that, as JSON and as text', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV6(), fc.boolean(), (local, remote, addresses) => {
        const links = [{ ...link, localAddress: `${local}!`, remoteAddress: `${remote}!` }]
        const report = healthReport({ ...input, links }, { addresses })
        for (const sent of [JSON.stringify(report), healthText(report)]) {
          expect(sent.includes(`${local}!`)).toBe(addresses)
          expect(sent.includes(`${remote}!`)).toBe(addresses)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('says the way of each connection and why, and what was read of it', () => {
    const text = healthText(healthReport(input, { addresses: false }))
    expect(text).toContain('Person 1: connected, excellent')
    expect(text).toContain('way: directly (srflx – host)')
    expect(text).toContain('round trip 42.3 ms, lost 0 %, sent 800 kbit/s, received ?')
    expect(text).toContain('Camera: off, denied')
    expect(text).toContain('1970-01-01T00:00:01.000Z person 1: connected')
  })

  it.each([
    [{ usingRelay: undefined }, false, 'unknown'],
    [{ localCandidate: 'host' }, false, 'local'],
    [{}, false, 'direct'],
    [{ usingRelay: true, localCandidate: 'relay', relayProtocol: 'udp' }, false, 'relay-udp'],
    [{ usingRelay: true, localCandidate: 'relay', relayProtocol: 'tls' }, false, 'relay-tcp'],
    [{ usingRelay: true, remoteCandidate: 'relay' }, false, 'relay-theirs'],
    [{ usingRelay: true, localCandidate: 'relay' }, true, 'forced'],
    [{ sfu: true }, false, 'sfu'],
    [{ sfu: true, usingRelay: true }, false, 'sfu-relay'],
  ] as const)('REQ-M6: %o, relay forced: %s, is the way “%s”', (changed, forced, path) => {
    expect(pathOf({ ...link, ...changed }, forced)).toBe(path)
  })
})

const person = (id: string, change: Partial<RemoteParticipant> = {}) =>
  ({ id, name: `name of ${id}`, link: 'connected', sfu: false, ...change }) as RemoteParticipant

describe('the health log', () => {
  it('numbers people, names nobody, and keeps the latest', () => {
    let now = 0
    const log = new HealthLog(() => ++now)
    const state = (participants: RemoteParticipant[]) => ({
      call: { ...initialCall, participants },
      local: initialLocal,
    })
    const [none, one] = [state([]), state([person('p-a', { link: 'connecting' })])]
    const two = state([person('p-a', { usingRelay: true }), person('p-b', { sfu: true })])
    noteChanges(log, one, none)
    noteChanges(log, two, one)
    noteChanges(log, none, two)
    expect(log.events.map(({ what }) => what)).toEqual([
      'person 1: connecting',
      'person 1: connected',
      'person 1: through a relay',
      'person 2: connected',
      'person 1: gone',
      'person 2: gone',
    ])
    for (let times = 0; times < 200; times++) log.note(`${times}`)
    expect(log.events).toHaveLength(80)
    expect(log.events.at(-1)?.what).toBe('199')
  })
})

describe('Rates', () => {
  const traffic = (bytes: number) =>
    new Map([
      ['p-a', { bytesSent: bytes, bytesReceived: 2 * bytes, packetsSent: 0, packetsReceived: 0 }],
    ])

  it('are of the time between two readings; of a new connection there is none yet', () => {
    const rates = new Rates()
    expect(rates.next(0, traffic(1000)).get('p-a')?.sentKbps).toBeUndefined()
    expect(rates.next(500, traffic(2000)).get('p-a')).toEqual({ sentKbps: 16, receivedKbps: 32 })
    expect(rates.next(1000, traffic(10)).get('p-a')?.sentKbps).toBeUndefined()
  })
})
