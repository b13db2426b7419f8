import { describe, expect, it } from '@jest/globals'
import { type LinkReport, linkRecordSchema } from '@parley/protocol'
import type { Redis } from 'ioredis'
import { recordingLog } from '../testing/signaling-rig.ts'
import { linkReports, recordOf } from './link-reports.ts'

const report: LinkReport = {
  link: 3,
  ageMs: 2000,
  peer: null,
  policy: 'all',
  gathered: { host: true, srflx: false, relay: true },
  answered: { udp: false, tcp: true, tls: false },
  errors: [{ transport: 'udp', code: 701 }],
  mappingVaries: false,
  failedPairs: 4,
  ended: false,
  selected: { local: 'relay', remote: 'host', relayProtocol: 'tcp' },
}
const ann = { tenant: 'acme', room: 'standup', participant: 'p-ann' }

function setUp(xadd: (...args: unknown[]) => Promise<unknown>) {
  const { log, text } = recordingLog()
  const redis = { xadd } as unknown as Pick<Redis, 'xadd'>
  return { reports: linkReports({ redis, cluster: 'demo', now: () => 50_000, log }), text }
}

describe('reports of links, passed on', () => {
  it("REQ-K5: are said to be the seat's, at the time of the server", () => {
    const record = recordOf(ann, report, 50_000)
    expect(linkRecordSchema.parse(record)).toMatchObject({ ...ann, startedAt: 48_000, at: 50_000 })
    expect(record.report).not.toHaveProperty('ageMs')
  })

  it('REQ-K5: go to a stream that is bounded', async () => {
    const asked: unknown[][] = []
    const { reports } = setUp(async (...args) => asked.push(args))
    await reports.take(ann, report)
    const record = JSON.stringify(recordOf(ann, report, 50_000))
    expect(asked).toEqual([
      ['parley:demo:link-reports', 'MAXLEN', '~', 10_000, '*', 'record', record],
    ])
  })

  it('of one participant are no flood, and others go on', async () => {
    const asked: unknown[] = []
    const { reports } = setUp(async () => asked.push(1))
    const flood = Array.from({ length: 500 }, () => reports.take(ann, report))
    const refused = (await Promise.allSettled(flood)).filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThan(300)
    expect(refused[0]).toMatchObject({ reason: { code: 'rate-limited' } })
    await reports.take({ ...ann, participant: 'p-ben' }, report)
  })

  it('REQ-P9: harm nobody while Redis is away, and are missed once in the log', async () => {
    const { reports, text } = setUp(async () => {
      throw new Error('redis is away')
    })
    for (let i = 0; i < 3; i++) await reports.take(ann, report)
    expect(text().match(/link reports not passed on/g)).toHaveLength(1)
    expect(text()).not.toContain('p-ann')
  })
})
