import { describe, expect, it } from '@jest/globals'
import type { LinkReport } from '@parley/protocol'
import { settle } from '../../testing/TestClock.ts'
import { LinkReporter } from './LinkReporter.ts'

const connected = (relayProtocol: string): [string, unknown][] => [
  ['T', { type: 'transport', selectedCandidatePairId: 'P' }],
  ['P', { type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' }],
  ['L', { type: 'local-candidate', candidateType: 'relay', relayProtocol }],
  ['R', { type: 'remote-candidate', candidateType: 'host' }],
]

function setUp() {
  const state = { now: 0, refuses: false }
  const sent: LinkReport[] = []
  const reporter = new LinkReporter(
    () => state.now,
    async (report) => {
      if (state.refuses) throw new Error('the server is away')
      sent.push(report)
    },
  )
  const link = {}
  const read = async (
    report: [string, unknown][],
    key: object = link,
    peer: string | null = 'p-2',
  ) => {
    reporter.read({ key, peer, policy: 'all', report, errors: undefined })
    await settle()
  }
  return { state, sent, reporter, link, read }
}

describe('LinkReporter', () => {
  it('REQ-K5: reports a link once it is connected, and again when there is news', async () => {
    const { state, sent, read } = setUp()
    await read([])
    expect(sent).toEqual([])
    state.now = 900
    for (let i = 0; i < 3; i++) await read(connected('tcp'))
    expect(sent).toMatchObject([{ link: 0, ageMs: 900, peer: 'p-2', answered: { udp: false } }])
    await read([
      ...connected('tcp'),
      ['U', { type: 'local-candidate', candidateType: 'relay', relayProtocol: 'udp' }],
    ])
    expect(sent).toHaveLength(2)
    expect(sent[1]).toMatchObject({ link: 0, answered: { udp: true, tcp: true } })
  })

  it('REQ-K5: a link that does not come about is reported after 15 s', async () => {
    const { state, sent, read } = setUp()
    await read([])
    state.now = 15_000
    await read([])
    expect(sent).toHaveLength(1)
    expect(sent[0]).not.toHaveProperty('selected')
  })

  it('tries again what the server was not told', async () => {
    const { state, sent, read } = setUp()
    state.refuses = true
    await read(connected('udp'))
    state.refuses = false
    await read(connected('udp'))
    expect(sent).toHaveLength(1)
  })

  it('REQ-K5: counts links, says when one is over, and nothing of one that nobody heard of', async () => {
    const { sent, reporter, link, read } = setUp()
    const other = {}
    await read(connected('udp'))
    await read(connected('udp'), other, null)
    await read([], {})
    reporter.ended(link)
    reporter.ended(link)
    reporter.ended({})
    expect(sent.map(({ link, peer, ended }) => [link, peer, ended])).toEqual([
      [0, 'p-2', false],
      [1, null, false],
      [0, 'p-2', true],
    ])
  })
})
