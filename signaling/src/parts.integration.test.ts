import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals'
import {
  type Ack,
  type FullMetrics,
  metricsNamespace,
  trafficBatchSchema,
  trafficKeys,
  trafficMetrics,
} from '@parley/protocol'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { io, type Socket } from 'socket.io-client'
import { signAdminLink } from './access/admin-token.ts'
import { signInvite } from './access/invite-token.ts'
import { parseConfig } from './config.ts'
import { type Signaling, startSignaling } from './server.ts'
import { startRedis } from './testing/redis-process.ts'
import { clients, joinKey, requestJoin, signalingFiles, until } from './testing/signaling-rig.ts'

// Servers and sockets on a machine that may be busy.
jest.setTimeout(120_000)

const log = pino({ level: 'silent' })
const files = signalingFiles()
const people = clients()
const sockets: Socket[] = []
let redis: Awaited<ReturnType<typeof startRedis>>
let server: Signaling

beforeAll(async () => {
  redis = await startRedis()
  files.file('redis-url', redis.url)
})
afterEach(async () => {
  for (const socket of sockets) socket.disconnect()
  people.close()
  await server?.close()
})
afterAll(async () => {
  await redis?.stop()
  files.remove()
})

const metrics: FullMetrics = {
  ...{ n: 1, full: true, up: 500, down: 800, rtt: 40, min: 38, max: 45, loss: 0, jitter: 2 },
  ...{ links: 1, relayed: 0, tx: 10, rx: 20, back: 0 },
}

/** Whether the server takes an event of its metrics namespace. */
async function takes(token: string, event: string, message: unknown): Promise<boolean> {
  const socket = io(`${server.url}${metricsNamespace}`, {
    ...{ auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false },
  })
  sockets.push(socket)
  const isLetIn = await new Promise<boolean>((resolve) => {
    socket.on('connect', () => resolve(true))
    socket.on('connect_error', () => resolve(false))
  })
  if (!isLetIn) return false
  const answer: Ack<unknown> = await socket.timeout(10_000).emitWithAck(event, message)
  return answer.ok
}

async function adminStatus(): Promise<number> {
  const link = await signAdminLink(joinKey, { tenant: 'default' }, Date.now(), 600)
  const response = await fetch(`${server.url}/api/admin/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link }),
  })
  return response.status
}

/** What the server does, by being asked for it. */
async function found() {
  const ana = await people.enter(server.url, 'daily', 'Ana')
  const claims = { room: 'office', tenant: 'default', role: 'admin' as const, name: 'Ada' }
  const { invite } = await signInvite(joinKey, claims, Date.now(), 600)
  const ada = await requestJoin(server.url, 'office', { name: 'Ada', invite })
  const hearsCalls = await takes(ana.joined.token, 'meeting:metrics', { metrics })
  const tellsAdmins = await takes(ada.token, 'admin:subscribe', {})
  const adminPage = await adminStatus()
  const said = await (await fetch(`${server.url}/metrics`)).text()
  return {
    ...{ hearsCalls, tellsAdmins, adminPage },
    keepsHistory: said.includes(trafficMetrics.unsent.name),
  }
}

/** How many joins wait for the meter. */
async function countedJoins(cluster: string): Promise<number> {
  const reader = new Redis(redis.url)
  const batches = await reader.lrange(trafficKeys(cluster).buffer, 0, -1)
  reader.disconnect()
  return batches
    .flatMap((batch) => trafficBatchSchema.parse(JSON.parse(batch)).rows)
    .filter(({ name }) => name === '/api/rooms/:room/join')
    .reduce((sum, { count }) => sum + count, 0)
}

const everything = {
  countedJoins: 2,
  keepsHistory: true,
  hearsCalls: true,
  tellsAdmins: true,
  adminPage: 200,
}

it.each([
  ['nothing', {}],
  ['METRICS_HTTP_ENABLED', { countedJoins: 0 }],
  ['METRICS_ENABLED', { countedJoins: 0, keepsHistory: false }],
  ['WEBRTC_METRICS_ENABLED', { hearsCalls: false, tellsAdmins: false }],
  ['PARLEY_ADMIN_ENABLED', { tellsAdmins: false, adminPage: 404 }],
])('REQ-H6: people meet with %s turned off, and all else is as it was', async (variable, less) => {
  const env = { ...files.env, REDIS_URL_FILE: `${files.dir}/redis-url`, [variable]: 'false' }
  server = await startSignaling(parseConfig({ ...env, PARLEY_CLUSTER: variable }), { log })
  // Redis is there once it was connected to.
  await until('it is ready', async () => (await fetch(`${server.url}/readyz`)).ok)
  const does = await found()
  // What it has counted goes out at the latest when it ends.
  await server.close()
  expect({ ...does, countedJoins: await countedJoins(variable) }).toEqual({
    ...everything,
    ...less,
  })
})
