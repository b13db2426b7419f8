import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { envelopeUrl, faultEnvelope } from './envelope.ts'
import { FaultReports } from './FaultReports.ts'
import { scrub } from './scrub.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

const about = { release: 'v7', environment: 'demo', browser: 'Firefox 140' }
const at = { id: '0'.repeat(32), epochMs: 1_800_000_000_000, known: [] }
const eventOf = (envelope: string) => JSON.parse(envelope.split('\n')[2] ?? '')

describe('REQ-W6: what a page tells an error tracker', () => {
  it('names nobody, no room, no token and no key, wherever they stand', () => {
    // Longer than what is put in their place.
    const word = fc.stringMatching(/^[A-Za-zẠ-ỹ]{12,20}$/)
    fc.assert(
      fc.property(word, word, fc.string(), (name, room, more) => {
        const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwLTEifQ.c2lnbmF0dXJlLW9mLWl0'
        const text = `${name} ${more} https://meet.example/r/${room}?name=x#e2ee=AAECAwQFBgcICQoLDA0ODw ${token}`
        const fault = new TypeError(text)
        fault.stack = `TypeError: ${text}\n    at draw (https://meet.example/r/${room}:1:2)`
        const sent = faultEnvelope(fault, about, { ...at, known: [name, room] })
        for (const secret of [name, room, token, 'AAECAwQFBgcICQoLDA0ODw'])
          expect(sent).not.toContain(secret)
      }),
      { numRuns: 200 },
    )
  })

  it('leaves what helps', () => {
    expect(scrub("Cannot read properties of undefined (reading 'play') at 10.0.0.7")).toBe(
      "Cannot read properties of undefined (reading '…') at [address]",
    )
  })

  it.each([
    ['    at draw (https://meet.example/assets/call-x1.js:3:40)', 'draw'],
    ['draw@https://meet.example/assets/call-x1.js:3:40', 'draw'],
    ['    at https://meet.example/assets/call-x1.js:3:40', undefined],
  ])('says where in its code it was thrown: %s', (line, name) => {
    const fault = new Error('x')
    fault.stack = `Error: x\n${line}\n    at first (https://meet.example/assets/index.js:1:1)`
    const [{ stacktrace }] = eventOf(faultEnvelope(fault, about, at)).exception.values
    expect(stacktrace.frames).toEqual([
      { filename: '/assets/index.js', function: 'first', lineno: 1, colno: 1 },
      {
        filename: '/assets/call-x1.js',
        lineno: 3,
        colno: 40,
        ...(name !== undefined && { function: name }),
      },
    ])
  })

  it('goes to where the DSN says', () => {
    expect(envelopeUrl('https://key@errors.example/base/42')).toBe(
      'https://errors.example/base/api/42/envelope/?sentry_version=7&sentry_key=key',
    )
    expect(() => envelopeUrl('https://errors.example/42')).toThrow('a DSN has a key and a project')
  })

  it('is told once each, of ten faults at most, and what the tracker answers harms nothing', async () => {
    const received: string[] = []
    const tracker = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      received.push(`${request.url} ${body}`)
      response.writeHead(500).end()
    }).listen(0, '127.0.0.1')
    await once(tracker, 'listening')
    const { port } = tracker.address() as AddressInfo
    const reports = new FaultReports({
      dsn: `http://key@127.0.0.1:${port}/42`,
      about,
      now: () => 0,
      newId: () => '0'.repeat(32),
      known: () => [],
      send: (url, body) => fetch(url, { method: 'POST', body }),
    })
    const fault = new Error('again')
    await reports.report(fault)
    await reports.report(fault)
    for (let i = 0; i < 20; i++) await reports.report(new Error(`fault ${i}`))
    await reports.report('no error at all')
    tracker.closeAllConnections()
    tracker.close()
    await reports.report(new Error('the tracker is away'))
    expect(received).toHaveLength(10)
    const [path = '', body = ''] = received[0]?.split(/ (.*)/s) ?? []
    expect(path).toBe('/api/42/envelope/?sentry_version=7&sentry_key=key')
    expect(eventOf(body)).toMatchObject({
      platform: 'javascript',
      release: 'v7',
      exception: { values: [{ type: 'Error', value: 'again' }] },
    })
  })
})
