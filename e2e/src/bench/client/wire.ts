/** A line whose delay and loss are known: what is reported of a call over it can be checked against the truth. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

/** What a line does to each frame, in each direction. */
export interface Shape {
  delayMs: number
  /** Of frames with RTP, 0 to 1. The others come through: they are no part of what is called loss. */
  loss: number
}

/** What has gone over the line in one direction. */
export interface Carried {
  /** Of UDP's payload between the two browsers: what was sent, and what of it did not come out. */
  bytes: number
  lostBytes: number
  /** RTP packets that were sent, and those of them that did not come out. */
  rtp: number
  lost: number
  /** How long frames were held, in ms: their sum, their number. */
  heldMs: number
  held: number
}

/** Both directions since the line began. `up`: from the namespace to the bridge. */
export interface Account {
  atMs: number
  up: Carried
  down: Carried
}

export type ToLine = { shape: Shape } | 'account'

/** The underlay, a network that nothing else uses, and the ports of both ends on it. */
export const UNDERLAY = { near: '10.233.0.1', far: '10.233.0.2' }
export const PORTS = { space: 14_789, bridge: 14_790 }

/**
 * One of the places of a {@link Lab} is on its bridge by this line instead of a plain pair of interfaces. Each end of
 * it is a VXLAN interface, whose frames Linux hands over as UDP datagrams; a process in between holds them, or drops
 * them. Kernels have netem for that, but not all of them (it is a module of its own), and netem keeps no account.
 */
export class Wire {
  readonly #name: string
  readonly #process: ChildProcess

  private constructor(name: string, process: ChildProcess) {
    this.#name = name
    this.#process = process
  }

  /**
   * @param space the namespace, whose `eth0` is replaced
   * @param address that it had, with the length of its network
   * @param gateway its way to everywhere else
   */
  static async lay(options: {
    name: string
    space: string
    bridge: string
    address: string
    gateway: string
  }): Promise<Wire> {
    const { name, space, bridge, address, gateway } = options
    await cut(name)
    await ip('netns', 'add', name)
    await ip(
      'link',
      'add',
      name,
      'mtu',
      '1600',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      name,
    )
    await ip('address', 'add', `${UNDERLAY.near}/24`, 'dev', name)
    await ip('link', 'set', name, 'up')
    await ip('-netns', name, 'address', 'add', `${UNDERLAY.far}/24`, 'dev', 'eth0')
    await ip('-netns', name, 'link', 'set', 'eth0', 'mtu', '1600', 'up')
    await ip('-netns', space, 'link', 'delete', 'eth0')
    const inSpace = ['-netns', space]
    // The sockets of a VXLAN interface stay where it was made, so nothing of the underlay is seen at its ends.
    await vxlan(name, PORTS.space, space, 'eth0')
    await ip(...inSpace, 'address', 'add', address, 'dev', 'eth0')
    await ip(...inSpace, 'link', 'set', 'eth0', 'up')
    await ip(...inSpace, 'route', 'add', 'default', 'via', gateway)
    await vxlan(name, PORTS.bridge, String(process.pid), `${name}-end`)
    await ip('link', 'set', `${name}-end`, 'master', bridge, 'up')
    const child = fork(fileURLToPath(new URL('./wire-process.ts', import.meta.url)), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    await once(child, 'message')
    return new Wire(name, child)
  }

  shape(shape: Shape): void {
    this.#process.send({ shape } satisfies ToLine)
  }

  async account(): Promise<Account> {
    const answer = once(this.#process, 'message')
    this.#process.send('account' satisfies ToLine)
    const [account] = await answer
    return account as Account
  }

  async remove(): Promise<void> {
    this.#process.kill()
    await cut(this.#name)
  }
}

/** @param to a namespace, by name or by the number of a process in it */
async function vxlan(underlay: string, port: number, to: string, name: string): Promise<void> {
  const made = `vx${port}`
  await ip(
    ...['-netns', underlay, 'link', 'add', made, 'mtu', '1500', 'type', 'vxlan', 'id', '7'],
    ...['local', UNDERLAY.far, 'remote', UNDERLAY.near, 'dstport', String(port), 'dev', 'eth0'],
  )
  // One frame is one datagram.
  await ip('-netns', underlay, 'link', 'set', made, 'gso_max_size', '1500', 'gso_max_segs', '1')
  await ip('-netns', underlay, 'link', 'set', made, 'netns', to, 'name', name)
}

async function cut(name: string): Promise<void> {
  await execa('ip', ['link', 'delete', `${name}-end`], { reject: false })
  await execa('ip', ['netns', 'delete', name], { reject: false })
  await execa('ip', ['link', 'delete', name], { reject: false })
}

async function ip(...args: string[]): Promise<void> {
  await execa('ip', args)
}
