import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { openStore, storeReport } from '@parley/meter'
import { presetPrices, pricesOver } from '@parley/relay-cost'
import { execa } from 'execa'
import { LiveCall, launchChromium } from './call.ts'

/** `parley up` as somebody would use it who has only cloned Parley. */

const parley = fileURLToPath(new URL('../../cli/bin/parley.mjs', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-up-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('REQ-K5: two people meet, one of them relayed; Ctrl-C prints what that was and leaves nothing', async () => {
  const scratch = join(folder, 'tmp')
  await mkdir(scratch)
  const up = execa(process.execPath, [parley, 'up', '--port', '0'], {
    env: { TMPDIR: scratch },
    reject: false,
  })
  const ended = Promise.resolve(up)
  try {
    const [url, said] = await Promise.race([
      Promise.all([lineOf(up.stdout), storeOf(up.stderr)]),
      ended.then(({ all, stderr }) => Promise.reject(new Error(`it ended: ${all ?? stderr}`))),
    ])
    const browser = await launchChromium(new URL(url).origin, { fps: 10 })
    try {
      const guests = [
        { name: 'Ana', relay: false },
        { name: 'Ben', relay: true },
      ]
      const origin = new URL(url).origin
      const call = await LiveCall.start({ url: origin, room: 'standup', guests, browser })
      const [, ofBen] = await call.peers()
      expect(ofBen).toMatchObject([{ name: 'Ana', usingRelay: true }])
      await call.leave()
      await call.close()
    } finally {
      await browser.close()
    }
    await relayedIn(said)

    up.kill('SIGINT')
    const { exitCode, stdout, stderr } = await ended
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
    expect(stdout).toContain('standup')
    expect(await readdir(scratch)).toEqual([])
    expect(await processesOf(scratch)).toEqual([])
  } finally {
    // Not SIGKILL: its servers would go on, and be in the way of others.
    up.kill('SIGTERM')
    await ended
  }
}, 360_000)

it('--dev where nothing is installed: says how to get it, people meet without it, the page comes from its sources and is told of changes; nothing is left', async () => {
  const scratch = join(folder, 'dev')
  const cache = join(folder, 'cache')
  const bin = join(folder, 'bin')
  for (const one of [scratch, cache, bin]) await mkdir(one)
  const up = execa(process.execPath, [parley, 'up', '--dev', '--port', '0'], {
    env: { TMPDIR: scratch, PATH: bin, XDG_CACHE_HOME: cache },
    reject: false,
  })
  const ended = Promise.resolve(up)
  try {
    const url = await Promise.race([
      lineOf(up.stdout),
      ended.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`))),
    ])
    const textOf = async (path: string) => (await fetch(new URL(path, url))).text()
    const page = await textOf('/r/standup')
    expect(page).toContain('src="/src/main.ts"')
    expect(page).toContain('Chrome 111')
    expect(await textOf('/src/main.ts')).toContain('/src/features/call/earlyJoin.ts')
    expect(JSON.parse(await textOf('/api/config'))).toMatchObject({ auth: { mode: 'Token' } })

    const joined = await fetch(new URL('/api/rooms/standup/join', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Ana' }),
    })
    expect(await joined.json()).toMatchObject({ room: 'standup', media: { mode: 'mesh' } })

    // Vite's page asks here, with a token that its code has.
    const [, token] = /wsToken = "([^"]+)"/.exec(await textOf('/@vite/client')) ?? []
    const address = new URL(`/?token=${token}`, url.replace(/^http/, 'ws'))
    const socket = new WebSocket(address, 'vite-hmr')
    const [message] = (await once(socket, 'message')) as [MessageEvent]
    expect(JSON.parse(message.data)).toEqual({ type: 'connected' })
    socket.close()

    up.kill('SIGINT')
    const { exitCode, stderr } = await ended
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
    expect(stderr).toContain('coturn is not installed')
    expect(stderr).toContain('apt-get install coturn sqlite3')
    expect(stderr).toContain(
      'livekit-server is not installed: rooms hold 4 people at most (see https:',
    )
    expect(await readdir(scratch)).toEqual([])
    expect(await processesOf(scratch)).toEqual([])
  } finally {
    up.kill('SIGTERM')
    await ended
  }
}, 120_000)

/** The first line of a stream. */
async function lineOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  while (!text.includes('\n')) text += (await once(stream, 'data'))[0]
  return text.split('\n')[0] ?? ''
}

/** The store that it says the meter keeps. */
async function storeOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  let found: string | undefined
  while (!found) {
    text += (await once(stream, 'data'))[0]
    found = /--store sqlite:(\S+) /.exec(text)?.[1]
  }
  return found
}

/** Waits until the meter has written relayed bytes. */
async function relayedIn(file: string): Promise<void> {
  const end = Date.now() + 60_000
  const store = await openStore(`sqlite:${file}`)
  try {
    for (;;) {
      const report = await storeReport(store, {
        window: { from: Date.now() - 3600_000, to: Date.now() + 60_000 },
        by: ['room'],
        asOf: Date.now(),
        pricesOf: (window, region) =>
          pricesOver([presetPrices('aws/eu-central-1')], window, region),
        advice: false,
      })
      if (report.totals.bytes.billable > 0) return
      if (Date.now() > end) throw new Error('the meter has counted no relayed byte in a minute')
      await delay(100)
    }
  } finally {
    await store.close()
  }
}

/** Processes with the folder in their environment or at work in it; Redis writes its name over the former. */
async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    const at = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    if (environment.includes(folder) || at.includes(folder))
      found.push(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => pid))
  }
  return found
}
