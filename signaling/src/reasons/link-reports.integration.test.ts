import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  type LinkRecord,
  type LinkReport,
  linkRecordSchema,
  linkReportStream,
} from '@parley/protocol'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { type Signaling, startSignaling } from '../server.ts'
import { startRedis } from '../testing/redis-process.ts'
import { clients, signalingFiles, until } from '../testing/signaling-rig.ts'

// Servers and sockets on a machine that may be busy.
jest.setTimeout(120_000)

const log = pino({ level: 'silent' })
const files = signalingFiles()
const people = clients()
let redis: Awaited<ReturnType<typeof startRedis>>
let reader: Redis
let server: Signaling
let alone: Signaling

beforeAll(async () => {
  redis = await startRedis()
  reader = new Redis(redis.url)
  const redisUrlFile = files.file('redis-url', redis.url)
  server = await startSignaling(files.config({ redisUrlFile, cluster: 'demo' }), { log })
  alone = await startSignaling(files.config(), { log })
  await until('ready', async () => (await fetch(`${server.url}/readyz`)).status === 200)
})
afterEach(() => people.close())
afterAll(async () => {
  await Promise.all([server?.close(), alone?.close()])
  reader?.disconnect()
  await redis?.stop()
  files.remove()
})

const report: LinkReport = {
  link: 0,
  ageMs: 1000,
  peer: null,
  policy: 'relay',
  gathered: { host: false, srflx: false, relay: true },
  answered: { udp: true, tcp: true, tls: false },
  errors: [],
  mappingVaries: false,
  failedPairs: 0,
  ended: false,
  selected: { local: 'relay', remote: 'relay', relayProtocol: 'udp' },
}

async function records(): Promise<LinkRecord[]> {
  const entries = await reader.xrange(linkReportStream('demo'), '-', '+')
  return entries.map(([, [, record]]) => linkRecordSchema.parse(JSON.parse(record ?? '')))
}

describe('link:report', () => {
  it("REQ-K5: is passed on under the sender's own room and identity", async () => {
    const ann = await people.enter(server.url, 'reports', 'Ann')
    const ben = await people.enter(server.url, 'reports', 'Ben')
    const say = (message: LinkReport) => ann.client.emitWithAck('link:report', message)
    expect(await say({ ...report, peer: ben.id })).toEqual({ ok: true, data: null })
    await until('it is in the stream', async () => (await records()).length === 1)
    const [record] = await records()
    const { ageMs: _, ...facts } = report
    expect(record).toMatchObject({ tenant: 'default', room: 'reports', participant: ann.id })
    expect(record?.report).toEqual({ ...facts, peer: ben.id })
    expect(JSON.stringify(record)).not.toMatch(/Ann|127\.0\.0\.1/)
  })

  it('REQ-K5: of a stranger, of oneself or before joining is refused', async () => {
    const eve = await people.enter(server.url, 'elsewhere', 'Eve')
    const ann = await people.enter(server.url, 'reports-2', 'Ann')
    const before = (await records()).length
    const say = (message: LinkReport) => ann.client.emitWithAck('link:report', message)
    expect(await say({ ...report, peer: eve.id })).toMatchObject({ error: { code: 'not-found' } })
    expect(await say({ ...report, peer: ann.id })).toMatchObject({ error: { code: 'invalid' } })
    const named = { ...report, room: 'elsewhere' }
    expect(await say(named)).toMatchObject({ error: { code: 'invalid' } })
    // Who was at the other end of a link that is over may be gone.
    expect(await say({ ...report, peer: 'p-gone', ended: true })).toMatchObject({ ok: true })
    await until('it is in the stream', async () => (await records()).length === before + 1)
    await ann.client.emitWithAck('room:leave', {})
    expect(await say(report)).toMatchObject({ error: { code: 'not-joined' } })
    expect(await records()).toHaveLength(before + 1)
  })

  it('without Redis is taken, and nobody reads it', async () => {
    const ann = await people.enter(alone.url, 'alone', 'Ann')
    expect(await ann.client.emitWithAck('link:report', report)).toEqual({ ok: true, data: null })
  })
})
