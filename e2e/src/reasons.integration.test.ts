import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, it, jest } from '@jest/globals'
import { freePort } from '@parley/devcluster'
import { meterConfigFromEnv, type RunningMeter, startMeter } from '@parley/meter'
import { meterTokenHeader, type RelayCostReport, type RelayReason } from '@parley/protocol'
import { parseConfig, type Signaling, startSignaling } from '@parley/signaling'
import { execa } from 'execa'
import { pino } from 'pino'
import type { Browser, Page } from 'playwright-core'
import { listening } from '../../meter/src/testing/servers.ts'
import { type Home, Homes, SERVER } from './reasons/homes.ts'
import { until } from './survival/until.ts'

jest.setTimeout(300_000)

/**
 * Two people at home, real Chromiums, real coturn, and networks that are in the way: what the page says of it
 * arrives in the meter's report, on the bytes that coturn counted.
 */
describe('why somebody was relayed', () => {
  const log = pino({ level: 'silent' })
  const running: { stop(): Promise<unknown> }[] = []
  let folder: string
  let homes: Homes
  let signaling: Signaling
  let meter: RunningMeter
  let browsers: Record<Home, Browser>

  const start = (command: string, args: readonly string[]) => {
    const child = execa(command, args, { reject: false, all: true, cwd: folder })
    running.push({
      async stop() {
        child.kill('SIGKILL')
        await child
      },
    })
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-reasons-'))
    const file = async (name: string, content: string) => {
      await writeFile(join(folder, name), content)
      return join(folder, name)
    }
    homes = await Homes.build('prsn')
    const redisPort = await freePort(SERVER)
    start('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', ''])
    // coturn looks for it when it starts.
    await listening(redisPort)
    const turnPorts = [await freePort(SERVER), await freePort(SERVER)]
    for (const [index, port] of turnPorts.entries())
      start('turnserver', coturn({ port, redisPort, realm: `pod-${index}.town`, folder }))

    const root = fileURLToPath(new URL('../../webapp', import.meta.url))
    const dist = join(folder, 'dist')
    await execa('vite', ['build', '--outDir', dist, '--logLevel', 'warn'], {
      cwd: root,
      preferLocal: true,
      localDir: root,
    })
    const redisUrl = await file('redis-url', `redis://127.0.0.1:${redisPort}/0`)
    const urls = turnPorts.flatMap((port) =>
      ['udp', 'tcp'].map((transport) => `turn:${SERVER}:${port}?transport=${transport}`),
    )
    signaling = await startSignaling(
      parseConfig({
        HOST: SERVER,
        PORT: '0',
        PARLEY_CLUSTER: 'town',
        PARLEY_ALLOWED_ORIGINS: '*',
        PARLEY_TURN_SECRET_FILE: await file('turn-secret', secret),
        PARLEY_JOIN_KEY_FILE: await file(
          'join-key',
          'a signing key of this test alone, long enough',
        ),
        PARLEY_TURN_ENDPOINTS_FILE: await file('endpoints.json', JSON.stringify({ urls })),
        PARLEY_WEBAPP_DIR: dist,
        REDIS_URL_FILE: redisUrl,
      }),
      { log },
    )
    meter = await startMeter(
      meterConfigFromEnv({
        METER_PORT: '0',
        METER_HOST: '127.0.0.1',
        METER_STORE: `sqlite:${join(folder, 'meter.db')}`,
        METER_PRICES_PRESET: 'aws/eu-central-1',
        METER_TOKEN_FILE: await file('meter-token', 'token'),
        PARLEY_CLUSTER: 'town',
        PARLEY_NAMESPACE: 'meetings',
        PARLEY_REGION: 'eu-central-1',
        REDIS_URL_FILE: redisUrl,
      }),
      { logger: log },
    )
    for (const url of [signaling.url, meter.url])
      await until(async () => (await fetch(`${url}/readyz`)).ok)
    const [a, b] = await Promise.all([
      homes.launchChromium('a', folder, signaling.url),
      homes.launchChromium('b', folder, signaling.url),
    ])
    browsers = { a, b }
  })
  afterEach(async () => {
    for (const browser of Object.values(browsers ?? {}))
      for (const context of browser.contexts()) await context.close()
  })
  afterAll(async () => {
    await Promise.all(Object.values(browsers ?? {}).map((browser) => browser.close()))
    await Promise.all([signaling?.close(), meter?.close()])
    for (const each of running.reverse()) await each.stop()
    await homes?.remove()
    await rm(folder, { recursive: true, force: true })
  })

  const enter = async (home: Home, room: string, query = ''): Promise<Page> => {
    const context = await browsers[home].newContext()
    await context.grantPermissions(['camera', 'microphone'], { origin: signaling.url })
    const page = await context.newPage()
    await page.goto(`${signaling.url}/r/${room}?name=${home}&autojoin=1${query}`)
    return page
  }
  const relayed = (page: Page) =>
    until(async () => (await page.evaluate<number>(bytesOverRelay)) > stayBytes)
  /** Bytes to a participant of a room, by reason. */
  const bytesByReason = async (room: string, participant: string): Promise<BytesByReason> => {
    const response = await fetch(`${meter.url}/report?window=1h&by=room,participant,reason`, {
      headers: { [meterTokenHeader]: 'token' },
    })
    const report = (await response.json()) as RelayCostReport
    const rows = report.rows.filter(
      ({ key }) => key.room === room && key.participant === participant,
    )
    return Object.fromEntries(rows.map(({ key, bytes }) => [key.reason, bytes.turnToClient]))
  }
  /**
   * Two meet, stay until enough came over the relay to each, and leave, upon which coturn says all that it counted.
   * @returns their ids
   */
  const meet = async (room: string, query = ''): Promise<Record<Home, string>> => {
    const pages = [await enter('a', room, query), await enter('b', room)]
    await Promise.all(pages.map(relayed))
    const [a = '', b = ''] = await Promise.all(pages.map(participantOf))
    for (const page of pages) await page.keyboard.press('d')
    for (const page of pages)
      await page.getByRole('heading', { name: 'You left the meeting' }).waitFor()
    return { a, b }
  }
  /**
   * Most of what was relayed to the one of these who got most has this reason, as soon as the meter has read
   * what coturn and both pages said. What the other's relays carried in vain, checks alone, has none.
   */
  const reasonIs = async (room: string, people: readonly string[], reason: RelayReason) => {
    let seen: BytesByReason[] = []
    const isMost = async () => {
      seen = await Promise.all(people.map((person) => bytesByReason(room, person)))
      const { [reason]: its = 0, ...others } = seen.toSorted((a, b) => sumOf(b) - sumOf(a))[0] ?? {}
      return its > stayBytes / 2 && sumOf(others) < its / 10
    }
    await until(isMost).catch((error: Error) => {
      throw new Error(`not ${reason}: ${JSON.stringify(seen)}`, { cause: error })
    })
  }

  it('REQ-K5: symmetric NATs, which give each server another port', async () => {
    const { a, b } = await meet('nat')
    await reasonIs('nat', [a, b], 'symmetric-nat')
  })

  it('REQ-K5: a page that is told to use relays only', async () => {
    // The other one, behind a symmetric NAT, may well use a relay of its own, for another reason.
    const { a } = await meet('policy', '&relay=1')
    await reasonIs('policy', [a], 'policy')
  })

  it('REQ-K5: a network that lets no UDP through', async () => {
    await homes.cutUdp('a')
    const { a } = await meet('office')
    await reasonIs('office', [a], 'udp-blocked')
  })
})

type BytesByReason = Partial<Record<RelayReason, number>>

function sumOf(bytes: BytesByReason): number {
  return Object.values(bytes).reduce((sum, each) => sum + each, 0)
}

const participantOf = (page: Page) => page.evaluate<string>('window.__parley.participantId')

const secret = 'a TURN secret of this test alone'

/** So much comes to each before they leave: some seconds of video. Half of it may have come over another relay. */
const stayBytes = 100_000

/** Put to the page: what came to it over a relay, as the browser counts it, which is less than coturn does. */
const bytesOverRelay = `(async () => {
  const peers = (await window.__parley?.peers()) ?? []
  return peers.reduce((sum, peer) => sum + (peer.usingRelay ? peer.bytesReceived : 0), 0)
})()`

function coturn(options: { port: number; redisPort: number; realm: string; folder: string }) {
  const { port, redisPort, realm, folder } = options
  return [
    ...['-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file', 'stdout'],
    ...['--listening-ip', SERVER, '--relay-ip', SERVER, '--listening-port', String(port)],
    ...['--lt-cred-mech', '--use-auth-secret', '--static-auth-secret', secret, '--realm', realm],
    ...['--userdb', join(folder, `turndb-${port}`), '--pidfile', join(folder, `pid-${port}`)],
    ...['--redis-statsdb', `ip=127.0.0.1 port=${redisPort} dbname=0 connect_timeout=5`],
  ]
}
