import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { meterTokenHeader } from '@parley/protocol'

const measures = {
  count: 5210,
  errors: 3,
  bytesIn: 2.1e6,
  bytesOut: 9.4e6,
  p50Ms: 3.1,
  p95Ms: 9.7,
  p99Ms: 24,
}
const hourMs = 3_600_000
const token = 'the token of the meter of this test'

/**
 * A meter with made-up figures.
 *
 * @param costs by tenant, in dollars: since the month began, and as much in the last hours
 */
export async function startFakeMeter(costs: Readonly<Record<string, number>>) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-fake-meter-'))
  const tokenFile = join(folder, 'token')
  await writeFile(tokenFile, token)
  /** Each path that was asked for, and whether with the token. */
  const asked = new Set<string>()
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://meter').pathname
    asked.add(`${path} ${request.headers[meterTokenHeader] === token}`)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answerTo(path, costs)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    asked,
    settings: {
      PARLEY_METER_API: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      PARLEY_METER_TOKEN_FILE: tokenFile,
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function answerTo(path: string, costs: Readonly<Record<string, number>>): object {
  const at = new Date().toISOString()
  if (path === '/api/v1/report') {
    const rows = Object.entries(costs).map(([tenant, totalCost]) => ({ tenant, totalCost }))
    return { currency: 'USD', rows }
  }
  if (path.endsWith('/series'))
    return {
      ...{ from: at, to: at, protocol: 'http' },
      rows: Array.from({ length: 24 }, (_, index) => ({
        ...measures,
        time: new Date(
          Math.floor(Date.now() / hourMs) * hourMs - (23 - index) * hourMs,
        ).toISOString(),
        count: Math.round(3000 + 2000 * Math.sin(index / 4)),
      })),
    }
  const top = ['/api/rooms/:room/join', '/socket.io/', '/api/config'].map((name, index) => ({
    ...{ name, method: index === 0 ? 'POST' : 'GET', ...measures },
    count: 2400 - index * 700,
  }))
  return {
    ...{ at, protocol: 'http', seconds: 300, total: measures, statuses: [], names: 3, top },
    perSecond: { count: 17.4, bytesIn: 7000, bytesOut: 31_000 },
    minutes: [],
  }
}
