import { describe, expect, it } from '@jest/globals'
import { FakeConnection } from '../../testing/FakeConnection.ts'
import { TestClock } from '../../testing/TestClock.ts'
import { PeerTransport } from './PeerTransport.ts'

/** One end whose beats do not come, in a browser that reports so much. */
async function silentFor(ms: number, report: (receivedBytes: number) => [string, unknown][]) {
  const clock = new TestClock()
  const connection = new FakeConnection()
  connection.getStats = async () => new Map(report(clock.now() * 100)) as unknown as RTCStatsReport
  let losses = 0
  const transport = new PeerTransport({
    clock,
    configuration: {},
    polite: true,
    createConnection: () => connection,
    send: () => {},
    beforeAnswer: () => {},
    mayOffer: () => false,
    onOffered: () => {},
    onConnectionState: () => {},
    onIceError: () => {},
    onTrack: () => {},
    onFound: () => {},
    onLost: () => losses++,
    onWord: () => {},
    onError: (error) => {
      throw error
    },
  })
  const held: boolean[] = []
  transport.sender.hold = (hold) => held.push(hold)
  const [channel] = connection.channels
  channel?.onopen?.()
  channel?.onmessage?.({ data: 'ping' })
  await clock.advance(ms)
  transport.close()
  return { losses, held }
}

const transports = (bytesReceived: number): [string, unknown][] => [
  ['T', { type: 'transport', bytesSent: 1, bytesReceived }],
]
/** As of Firefox, which has no rows of transports, and counts no packets of a pair. */
const pairs = (bytesReceived: number): [string, unknown][] => [
  ['P', { type: 'candidate-pair', selected: true, bytesSent: 1, bytesReceived }],
]

describe('PeerTransport', () => {
  it.each([
    ['transports', transports],
    ['pairs alone', pairs],
  ])(
    'REQ-P7: where a browser counts %s, late beats alone hold no picture and lose no path',
    async (_, report) => {
      expect(await silentFor(5000, report)).toEqual({ losses: 0, held: [] })
      const nothing = await silentFor(5000, () => report(0))
      expect(nothing).toEqual({ losses: 1, held: [true] })
    },
  )
})
