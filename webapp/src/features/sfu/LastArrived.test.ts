import { describe, expect, it } from '@jest/globals'
import { LastArrived } from './LastArrived.ts'

/** Browsers count in milliseconds since 1970, and the page since it began. */
const epochMs = 1_795_000_000_000

const inbound = (track: string, timestamp: number, arrived?: number): [string, unknown] => [
  `row of ${track}`,
  {
    ...{ type: 'inbound-rtp', trackIdentifier: track, timestamp: epochMs + timestamp },
    ...(arrived !== undefined && { lastPacketReceivedTimestamp: epochMs + arrived }),
  },
]

describe('LastArrived', () => {
  it('REQ-P7: tells by the page’s clock when the last packet of a track came', () => {
    const arrived = new LastArrived()
    expect([...arrived.read([inbound('v', 5000, 4980), inbound('a', 5000, 4999)], 300)]).toEqual([
      ['v', 280],
      ['a', 299],
    ])
    expect([...arrived.read([inbound('v', 5100, 5090)], 400)]).toContainEqual(['v', 390])
  })

  it('REQ-P7: does not take a report of a moment ago for a later arrival of the same packet', () => {
    const arrived = new LastArrived()
    const report = [inbound('v', 5000, 4980)]
    arrived.read(report, 300)
    expect([...arrived.read(report, 340)]).toEqual([['v', 280]])
    // Nor one that the browser was long in giving.
    expect([...arrived.read([inbound('v', 5100, 4980)], 390)]).toEqual([['v', 270]])
  })

  it('knows nothing of what a browser does not tell of, and of what is sent', () => {
    const rows: [string, unknown][] = [
      inbound('v', 5000),
      ['sent', { type: 'outbound-rtp', timestamp: 1, lastPacketReceivedTimestamp: 1 }],
    ]
    expect([...new LastArrived().read(rows, 300)]).toEqual([])
  })
})
