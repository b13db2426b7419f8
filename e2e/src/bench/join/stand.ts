import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startUp, type Up } from '@parley/cli'
import type { Browser } from 'playwright-core'
import { serveBaseline } from './baseline-page.ts'
import { benchCluster, type Lab, SERVER } from './lab.ts'

/** Servers on the bridge, a Chromium in each place, and links into a room. */
export interface Stand {
  a: Browser
  b: Browser
  /** Pages of these may use camera and microphone. */
  origins: readonly string[]
  parley(room: string, who: string, relay?: boolean): string
  /** The same room of LiveKit, by its own client and nothing else. */
  plain(room: string, who: string, relay?: boolean): string
  close(): Promise<void>
}

/**
 * @param options.meshMax people in a room before it moves to the SFU
 * @param options.iceServers what LiveKit's own client may be relayed by; default: nothing
 */
export async function openStand(options: {
  lab: Lab
  folder: string
  meshMax: number
  iceServers?: (up: Up) => Promise<object[]>
  signal: AbortSignal
}): Promise<Stand> {
  const { lab, folder, meshMax, iceServers = async () => [], signal } = options
  const up = await startUp({
    ...{ mc: benchCluster(meshMax), port: 0, host: SERVER, tls: false, dev: false, turnPort: 0 },
    say: () => {},
    stop: signal,
  })
  const closers: (() => unknown)[] = [() => up.close()]
  const close = async () => {
    for (const one of closers.toReversed()) await one()
  }
  try {
    const parley = new URL(up.url).origin
    const key = await readFile(join(up.folder, 'sfu', 'etc/parley/secrets/livekit/keys'), 'utf8')
    const relays = await iceServers(up)
    const plain = await serveBaseline(parley.replace(/^http/, 'ws'), key, relays)
    closers.push(() => plain.close())
    const origins = [parley, plain.origin]
    const [a, b] = await lab.launchBoth(folder, origins, signal)
    closers.push(
      () => a.close(),
      () => b.close(),
    )
    return {
      ...{ a, b, origins, close },
      plain: (room, who, relay = false) => plain.link(room, who, relay),
      parley: (room, name, relay = false) =>
        `${parley}/r/${room}?${new URLSearchParams({ name, autojoin: '1', ...(relay && { relay: '1' }) })}`,
    }
  } catch (error) {
    await close()
    throw error
  }
}
