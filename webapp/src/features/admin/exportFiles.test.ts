import { describe, expect, it } from '@jest/globals'
import type { LiveUser } from '@parley/protocol'
import { meetingsOf } from './boardViews.ts'
import { csvOf, exportRows } from './exportFiles.ts'

const metrics = {
  ...{ up: 100, down: 200, rtt: null, min: null, max: null, loss: 0.5, jitter: 2 },
  ...{ links: 1, relayed: 1, tx: 0, rx: 0, back: 0 },
}
const user: LiveUser = {
  ...{ meetingId: '-standup', userId: 'p-1', metrics, quality: 'good', mos: null },
  ...{ score: null, at: 0 },
}

describe('REQ-A1: export', () => {
  it('is a row for each participant, and no formula for a spreadsheet', () => {
    const rows = exportRows(meetingsOf([user], []))
    expect(rows).toMatchObject([{ participant: 'p-1', rttMs: null, relayed: 1 }])
    expect(csvOf(rows).split('\r\n')).toEqual([
      'meeting,participant,upKbps,downKbps,rttMs,lossPercent,jitterMs,quality,mos,connections,relayed,at',
      "'-standup,p-1,100,200,,0.5,2,good,,1,1,1970-01-01T00:00:00.000Z",
      '',
    ])
  })

  it('quotes what would end a field', () => {
    const [row] = exportRows(meetingsOf([{ ...user, meetingId: 'a,"b"' }], []))
    expect(row && csvOf([row])).toContain('"a,""b""",p-1')
  })
})
