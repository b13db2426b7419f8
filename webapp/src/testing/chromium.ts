import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome']

/**
 * A headless Chromium from PATH that grants itself a camera and a microphone, both fake.
 *
 * @param options.fps few frames: encoding and decoding in software is most of what these tests cost
 * @param options.asks whether people are asked first, who deny it as long as no context grants it
 * @param options.trusts hashes of public keys: servers with these may sign their certificates themselves
 */
export function launchChromium({
  fps = 8,
  asks = false,
  trusts = [] as string[],
} = {}): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: argsFor(fps, asks, trusts) })
}

/** One as somebody has it, with a profile in a folder: what it keeps of pages is there when they are opened again. */
export function launchProfile(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, {
    executablePath: findChromium(),
    args: argsFor(8, false, []),
  })
}

const argsFor = (fps: number, asks: boolean, trusts: readonly string[]) => [
  '--no-sandbox',
  `--use-fake-device-for-media-stream=fps=${fps}`,
  ...(asks ? [] : ['--use-fake-ui-for-media-stream']),
  ...(trusts.length > 0 ? [`--ignore-certificate-errors-spki-list=${trusts.join(',')}`] : []),
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
]

function findChromium(): string {
  for (const directory of (process.env.PATH ?? '').split(delimiter))
    for (const name of names) {
      const path = join(directory, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // not here
      }
    }
  throw new Error('no Chromium on PATH: install it with `apt-get install chromium`')
}
