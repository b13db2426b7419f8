import { randomBytes } from 'node:crypto'
import { execa } from 'execa'

/** What an interface has counted, frames with their Ethernet headers. */
export type InterfaceCounters = {
  receivedBytes: number
  receivedPackets: number
  sentBytes: number
  sentPackets: number
}

export type Network = {
  /** Network namespace of the TURN server, and its address. */
  turn: { namespace: string; address: string }
  clients: { namespace: string; address: string }
  /** Of the TURN server's cable, to which nothing else is connected. */
  counters(): Promise<InterfaceCounters>
  remove(): Promise<void>
}

/** Two network namespaces with a cable between them and nothing else: what goes over it is known. */
export async function startNetwork(): Promise<Network> {
  const id = randomBytes(3).toString('hex')
  const turn = { namespace: `parley-turn-${id}`, address: '10.250.0.1' }
  const clients = { namespace: `parley-clients-${id}`, address: '10.250.0.2' }
  const remove = async () => {
    for (const { namespace } of [turn, clients])
      await execa('ip', ['netns', 'del', namespace], { reject: false })
  }
  try {
    for (const { namespace } of [turn, clients]) await execa('ip', ['netns', 'add', namespace])
    const cable = ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0']
    await execa('ip', ['-n', turn.namespace, ...cable, 'netns', clients.namespace])
    for (const { namespace, address } of [turn, clients]) {
      await execa('ip', ['-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0'])
      for (const link of ['lo', 'eth0'])
        await execa('ip', ['-n', namespace, 'link', 'set', link, 'up'])
    }
  } catch (error) {
    await remove()
    throw error
  }
  return {
    turn,
    clients,
    async counters() {
      const { stdout } = await execa('ip', [
        ...['-n', turn.namespace, '-json', '-statistics', 'link', 'show', 'dev', 'eth0'],
      ])
      const [link] = JSON.parse(stdout) as {
        stats64: Record<'rx' | 'tx', { bytes: number; packets: number }>
      }[]
      if (!link) throw new Error('the TURN server has no cable')
      const { rx, tx } = link.stats64
      return {
        receivedBytes: rx.bytes,
        receivedPackets: rx.packets,
        sentBytes: tx.bytes,
        sentPackets: tx.packets,
      }
    },
    remove,
  }
}
