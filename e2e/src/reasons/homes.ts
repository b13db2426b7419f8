/** Two homes, each behind a NAT of its own, and the servers outside: network namespaces of this machine. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '@parley/devcluster'
import { execa } from 'execa'
import { type Browser, chromium } from 'playwright-core'

/** Where servers listen; a network that nothing else uses. */
export const SERVER = '10.231.0.1'

const homes = ['a', 'b'] as const
export type Home = (typeof homes)[number]

/**
 * server ── street ── NAT ── home, twice. The NATs give each destination another port, at random, and let in only
 * what is an answer: they are symmetric. The street forwards from NAT to NAT, so that what fails, fails at them.
 */
export class Homes {
  readonly #name: string

  private constructor(name: string) {
    this.#name = name
  }

  /** @param name of the namespaces; those of that name from a run that was killed are replaced */
  static async build(name: string): Promise<Homes> {
    const built = new Homes(name)
    await built.remove()
    const street = built.#space('street')
    await ip('netns', 'add', street)
    const server = ['peer', 'name', 'server', 'netns', street]
    await ip('link', 'add', `${name}-srv`, 'type', 'veth', ...server)
    await ip('address', 'add', `${SERVER}/24`, 'dev', `${name}-srv`)
    await ip('link', 'set', `${name}-srv`, 'up')
    await ip('route', 'add', '10.231.0.0/16', 'via', '10.231.0.2')
    await built.#address('street', 'server', '10.231.0.2/24')
    await built.#forward('street')
    for (const [index, home] of homes.entries()) await built.#buildHome(home, index + 1)
    return built
  }

  async #buildHome(home: Home, index: number): Promise<void> {
    const [nat, place] = [this.#space(`nat-${home}`), this.#space(home)]
    const [outside, inside] = [`10.231.${index}`, `192.168.${230 + index}`]
    for (const each of [nat, place]) await ip('netns', 'add', each)
    const street = this.#space('street')
    await ip(
      '-netns',
      nat,
      ...['link', 'add', 'out', 'type', 'veth', 'peer', 'name', `to-${home}`, 'netns', street],
    )
    await ip(
      '-netns',
      nat,
      ...['link', 'add', 'in', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', place],
    )
    await this.#address('street', `to-${home}`, `${outside}.1/24`)
    await this.#address(`nat-${home}`, 'out', `${outside}.2/24`)
    await this.#address(`nat-${home}`, 'in', `${inside}.1/24`)
    await this.#address(home, 'eth0', `${inside}.2/24`)
    await ip('-netns', place, 'link', 'set', 'lo', 'up')
    await ip('-netns', nat, 'route', 'add', 'default', 'via', `${outside}.1`)
    await ip('-netns', place, 'route', 'add', 'default', 'via', `${inside}.1`)
    await this.#forward(`nat-${home}`)
    const symmetric = ['POSTROUTING', '-o', 'out', '-j', 'MASQUERADE', '--random-fully']
    await this.#iptables(`nat-${home}`, '-t', 'nat', '-A', ...symmetric)
    const strangers = ['FORWARD', '-i', 'out', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'DROP']
    await this.#iptables(`nat-${home}`, '-A', ...strangers)
  }

  /** No UDP leaves the home any more, as behind many an office's firewall. */
  cutUdp(home: Home): Promise<void> {
    return this.#iptables(home, '-A', 'OUTPUT', '-p', 'udp', '-j', 'DROP')
  }

  /** A Chromium in a home. @param folder for what starts it there @param origin of the page */
  async launchChromium(home: Home, folder: string, origin: string): Promise<Browser> {
    const program = findProgram('chromium')
    if (!program)
      throw new Error('there is no Chromium on this machine: sudo apt-get install chromium')
    const wrapper = join(folder, `chromium-${home}`)
    await writeFile(wrapper, `#!/bin/sh\nexec ip netns exec ${this.#space(home)} ${program} "$@"\n`)
    await chmod(wrapper, 0o755)
    return chromium.launch({
      executablePath: wrapper,
      args: [
        '--no-sandbox',
        '--use-fake-device-for-media-stream=fps=5',
        '--use-fake-ui-for-media-stream',
        `--unsafely-treat-insecure-origin-as-secure=${origin}`,
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-quic',
        '--no-first-run',
      ],
    })
  }

  async remove(): Promise<void> {
    const spaces = ['street', ...homes.flatMap((home) => [home, `nat-${home}`])]
    for (const space of spaces)
      await execa('ip', ['netns', 'delete', this.#space(space)], { reject: false })
    await execa('ip', ['link', 'delete', `${this.#name}-srv`], { reject: false })
  }

  #space(which: string): string {
    return `${this.#name}-${which}`
  }

  async #address(space: string, device: string, address: string): Promise<void> {
    await ip('-netns', this.#space(space), 'address', 'add', address, 'dev', device)
    await ip('-netns', this.#space(space), 'link', 'set', device, 'up')
  }

  async #forward(space: string): Promise<void> {
    await this.#in(space, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
  }

  async #iptables(space: string, ...rule: string[]): Promise<void> {
    await this.#in(space, 'iptables', '-w', ...rule)
  }

  async #in(space: string, ...command: string[]): Promise<void> {
    await ip('netns', 'exec', this.#space(space), ...command)
  }
}

async function ip(...args: string[]): Promise<void> {
  await execa('ip', args)
}
