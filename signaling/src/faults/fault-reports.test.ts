import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { pino } from 'pino'
import { type FaultReports, faultReports, noFaultReports, withoutSecrets } from './fault-reports.ts'
import { reportingLog } from './reporting-log.ts'

type Envelope = { path: string; header: Record<string, unknown>; items: [object, unknown][] }

/** A tracker that reads envelopes as the protocol has them: a line of JSON each, an item is two. */
function readEnvelope(path: string, body: string): Envelope {
  const [first = '', ...lines] = body.split('\n').filter((line) => line !== '')
  const items = Array.from({ length: lines.length / 2 }, (_, i): [object, unknown] => [
    JSON.parse(lines[2 * i] ?? ''),
    JSON.parse(lines[2 * i + 1] ?? ''),
  ])
  return { path, header: JSON.parse(first), items }
}

describe('REQ-W6: faults of the server are reported by the protocol of Sentry', () => {
  let tracker: Server
  let received: Envelope[]
  let answer: { status: number; headers: Record<string, string> }
  let now: number
  let reports: FaultReports

  beforeEach(async () => {
    received = []
    answer = { status: 200, headers: {} }
    now = 1_800_000_000_000
    tracker = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      received.push(readEnvelope(request.url ?? '', body))
      response.writeHead(answer.status, answer.headers).end('{}')
    }).listen(0, '127.0.0.1')
    await once(tracker, 'listening')
    const { port } = tracker.address() as AddressInfo
    const about = { release: 'v7', environment: 'demo', region: 'eu' }
    reports = faultReports(`http://key@127.0.0.1:${port}/42`, about, () => now)
  })
  afterEach(async () => {
    await reports.close()
    tracker.closeAllConnections()
    tracker.close()
  })

  it('with where and what it was, and nothing of whom it was about', async () => {
    const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwLTEifQ.c2lnbmF0dXJlLW9mLWl0'
    const redis = 'redis://:hunter2@10.0.0.7:6379'
    const fault = new TypeError(
      `no seat of "Wilhelmina" with ${token} at ${redis} for wilhelmina@example.com`,
    )
    Object.assign(fault, { sdp: 'v=0 candidate', request: { name: 'Wilhelmina' } })
    const log = reportingLog(pino({ level: 'silent' }), reports)
    log.error({ err: fault, id: 'an-id', name: 'Wilhelmina' }, 'request failed')
    await reports.close()
    expect(received).toHaveLength(1)
    const [{ path, header, items } = { path: '', header: {}, items: [] }] = received
    expect(path).toMatch(/^\/api\/42\/envelope\/\?/)
    expect(path).toContain('sentry_key=key')
    expect(header.event_id).toMatch(/^[0-9a-f]{32}$/)
    expect(items).toHaveLength(1)
    const [itemHeader, event] = items[0] ?? []
    expect(itemHeader).toMatchObject({ type: 'event' })
    expect(event).toMatchObject({
      level: 'error',
      platform: 'node',
      release: 'v7',
      environment: 'demo',
      tags: { region: 'eu', what: 'request failed', id: 'an-id' },
      exception: { values: [{ type: 'TypeError' }] },
    })
    const { frames } = (event as { exception: { values: { stacktrace: { frames: object[] } }[] } })
      .exception.values[0]?.stacktrace ?? { frames: [] }
    expect(frames.at(-1)).toMatchObject({
      filename: expect.stringMatching(/^signaling\/src\/faults\/fault-reports\.test/),
    })
    const sent = JSON.stringify(received)
    for (const secret of [
      'Wilhelmina',
      'wilhelmina@',
      'hunter2',
      token,
      'eyJ',
      'c2lnbmF0',
      '10.0.0.7',
      'sdp',
      'candidate',
    ])
      expect(sent).not.toContain(secret)
    // Nor of the machine.
    expect(sent).not.toContain(process.cwd())
    expect(Object.keys(event as object).sort()).toEqual(
      [
        'contexts',
        'environment',
        'event_id',
        'exception',
        'level',
        'platform',
        'release',
        'tags',
        'timestamp',
        ...('sdk' in (event as object) ? ['sdk'] : []),
      ].sort(),
    )
  })

  it('what is logged without a fault, or not as an error, is no fault', async () => {
    const log = reportingLog(pino({ level: 'silent' }), reports)
    log.error('stopping')
    log.warn({ err: new Error('file not usable') }, 'file not usable')
    log.info({ room: 'r' }, 'participant joined')
    await reports.close()
    expect(received).toEqual([])
  })

  it('a fault that comes over and over is told some times a minute, and again in the next one', async () => {
    const log = reportingLog(pino({ level: 'silent' }), reports)
    for (let i = 0; i < 500; i++) log.error({ err: new Error(`fault ${i}`) }, 'request failed')
    now += 60_000
    log.error({ err: new Error('the last') }, 'request failed')
    await reports.close()
    expect(received).toHaveLength(31)
    expect(JSON.stringify(received.at(-1))).toContain('the last')
  })

  it('a tracker that is away, or refuses, costs nobody anything', async () => {
    answer = { status: 429, headers: { 'retry-after': '60' } }
    reports.report(new Error('one'), 'x')
    await reports.close()
    tracker.closeAllConnections()
    tracker.close()
    const about = { release: 'v7', environment: 'demo', region: 'eu' }
    const away = faultReports('http://key@127.0.0.1:9/1', about, () => now)
    away.report('no error at all', 'x')
    away.report(undefined, 'x')
    await expect(away.close()).resolves.toBeUndefined()
    noFaultReports.report(new Error('x'), 'x')
  })
})

describe('REQ-W6: the text of a fault', () => {
  it('has no token, password, mail or address in it, wherever they stand', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9_-]{16,40}$/)
    const secret = fc.oneof(
      fc.tuple(word, word, word).map((parts) => parts.join('.')),
      fc.ipV4().filter((one) => one.length > 8),
      fc.stringMatching(/^[A-Za-z0-9]{40,80}$/),
      fc.tuple(word, word).map(([user, host]) => `${user}@${host}.example.com`),
    )
    fc.assert(
      fc.property(fc.lorem(), secret, fc.lorem(), (before, secret, after) => {
        expect(withoutSecrets(`${before} ${secret} ${after}`)).not.toContain(secret)
        expect(withoutSecrets(`${before}: "${secret}", ${after}`)).not.toContain(secret)
      }),
      { numRuns: 300 },
    )
  })

  it('is short, and says what went wrong', () => {
    expect(withoutSecrets('x '.repeat(10_000)).length).toBe(300)
    expect(withoutSecrets("Cannot read properties of undefined (reading 'id')")).toBe(
      "Cannot read properties of undefined (reading '…')",
    )
  })
})
