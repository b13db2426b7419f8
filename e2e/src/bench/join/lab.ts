import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '@parley/devcluster'
import { parseMeetingCluster } from '@parley/operator/api'
import { execa } from 'execa'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'

/** Where servers listen; a network that nothing else uses. */
export const SERVER = '10.232.0.1'
export const NETWORK = '10.232.0.0/24'

/** What the benches with pages bring up. @param maxParticipants people in a room before it moves to the SFU */
export function benchCluster(maxParticipants: number) {
  return parseMeetingCluster({
    apiVersion: 'parley.dev/v1alpha1',
    kind: 'MeetingCluster',
    metadata: { name: 'bench', namespace: 'meetings' },
    spec: {
      domain: 'localhost',
      region: 'eu-central-1',
      mesh: { maxParticipants },
      turn: { allowedPeers: [NETWORK] },
    },
  })
}

const argsFor = (origins: readonly string[]) => [
  '--no-sandbox',
  '--use-fake-device-for-media-stream=fps=20',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  `--unsafely-treat-insecure-origin-as-secure=${origins.join(',')}`,
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
]

const places = ['a', 'b'] as const
export type Place = (typeof places)[number]

/** Two network namespaces of this machine and a bridge that both are on, with the servers. */
export class Lab {
  readonly #name: string

  private constructor(name: string) {
    this.#name = name
  }

  /**
   * @param name of the namespaces; those of a run that was killed are removed, whatever their name: with two bridges
   *   of one network Linux answers over the older one
   * @throws when a lab of another name is in use
   */
  static async build(name: string): Promise<Lab> {
    for (const other of await labsNow()) {
      if (other !== name && (await isInUse(other)))
        throw new Error(`another lab, ${other}, is in use: one at a time has ${NETWORK}`)
      await new Lab(other).remove()
    }
    const lab = new Lab(name)
    await lab.remove()
    const bridge = `${name}-br`
    await ip('link', 'add', bridge, 'type', 'bridge')
    await ip('address', 'add', `${SERVER}/24`, 'dev', bridge)
    await ip('link', 'set', bridge, 'up')
    for (const [index, place] of places.entries()) {
      const space = `${name}-${place}`
      await ip('netns', 'add', space)
      await ip('link', 'add', space, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space)
      await ip('link', 'set', space, 'master', bridge, 'up')
      await ip('-netns', space, 'address', 'add', `10.232.0.${index + 2}/24`, 'dev', 'eth0')
      await ip('-netns', space, 'link', 'set', 'eth0', 'up')
      await ip('-netns', space, 'link', 'set', 'lo', 'up')
      await ip('-netns', space, 'route', 'add', 'default', 'via', SERVER)
    }
    return lab
  }

  /** @param folder for what starts it there @param origins whose pages may use a camera */
  async launchChromium(place: Place, folder: string, origins: readonly string[]): Promise<Browser> {
    const executablePath = await this.#program(place, folder)
    return chromium.launch({ executablePath, args: argsFor(origins) })
  }

  /**
   * A browser as somebody has it, with a profile in `folder`: what a page has compiled before is kept, which a private
   * window, and any context of {@link launchChromium}'s browser, does not do.
   */
  async launchProfile(
    place: Place,
    folder: string,
    origins: readonly string[],
    viewport: { width: number; height: number },
  ): Promise<BrowserContext> {
    const executablePath = await this.#program(place, folder)
    const profile = join(folder, `profile-${place}`)
    return chromium.launchPersistentContext(profile, {
      ...{ executablePath, viewport, args: argsFor(origins) },
    })
  }

  /** What starts Chromium in a place. */
  async #program(place: Place, folder: string): Promise<string> {
    const program = findProgram('chromium')
    if (!program)
      throw new Error('there is no Chromium on this machine: sudo apt-get install chromium')
    const wrapper = join(folder, `chromium-${place}`)
    const space = `${this.#name}-${place}`
    await writeFile(wrapper, `#!/bin/sh\nexec ip netns exec ${space} ${program} "$@"\n`)
    await chmod(wrapper, 0o755)
    return wrapper
  }

  /** One in each place; the signal ends them, and with them whatever waits for a page. */
  async launchBoth(
    folder: string,
    origins: readonly string[],
    signal: AbortSignal,
  ): Promise<[Browser, Browser]> {
    const [a, b] = await Promise.all([
      this.launchChromium('a', folder, origins),
      this.launchChromium('b', folder, origins),
    ])
    signal.addEventListener('abort', () => {
      for (const browser of [a, b]) browser.close().catch(() => {})
    })
    return [a, b]
  }

  async remove(): Promise<void> {
    for (const place of places) {
      const space = `${this.#name}-${place}`
      // A namespace takes its end of the line away some time later: the next lab of this name would find it.
      await execa('ip', ['link', 'delete', space], { reject: false })
      await execa('ip', ['netns', 'delete', space], { reject: false })
    }
    await execa('ip', ['link', 'delete', `${this.#name}-br`], { reject: false })
  }
}

/** By the bridges that have the address of the servers. */
async function labsNow(): Promise<string[]> {
  const { stdout } = await execa('ip', ['-json', 'address', 'show', 'to', SERVER])
  const links = JSON.parse(stdout || '[]') as { ifname?: string }[]
  return links.flatMap(({ ifname }) => ifname?.match(/^(.+)-br$/)?.[1] ?? [])
}

/** Something runs in one of its places. */
async function isInUse(lab: string): Promise<boolean> {
  const asked = places.map((place) =>
    execa('ip', ['netns', 'pids', `${lab}-${place}`], { reject: false }),
  )
  return (await Promise.all(asked)).some(({ stdout }) => stdout?.trim())
}

async function ip(...args: string[]): Promise<void> {
  await execa('ip', args)
}
