import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'

type Interfaces = Readonly<
  Record<
    string,
    { address: string; family: string; internal: boolean; cidr: string | null }[] | undefined
  >
>

/**
 * The IPv4 address that this machine is reached at: that of its default route, else any that is not loopback.
 * `network` is what it is in, as `192.168.1.0/24`.
 */
export async function machineAddress(): Promise<{ address: string; network: string } | undefined> {
  return pickAddress(networkInterfaces() as Interfaces, await routedAddress())
}

/** @param preferred taken where a network interface has it */
export function pickAddress(interfaces: Interfaces, preferred?: string) {
  const usable = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
  const found = usable.find(({ address }) => address === preferred) ?? usable[0]
  if (!found) return undefined
  return { address: found.address, network: networkOf(found.cidr ?? `${found.address}/32`) }
}

/** The first address of the network that `10.1.2.3/8` is in, as `10.0.0.0/8`. */
export function networkOf(cidr: string): string {
  const [address = '', bits = '32'] = cidr.split('/')
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  const size = 2 ** (32 - Number(bits))
  const first = number - (number % size)
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256)
  return `${bytes.join('.')}/${bits}`
}

/** Nothing is sent: the system only says which address it would send from. */
async function routedAddress(): Promise<string | undefined> {
  const socket = createSocket('udp4')
  try {
    socket.connect(9, '198.51.100.1')
    await once(socket, 'connect')
    return socket.address().address
  } catch {
    return undefined
  } finally {
    socket.close()
  }
}

/** Of the ports that no connection is given meanwhile, as those of the system's choice are. */
const ports = { lowest: 15_000, highest: 29_999 }
let next = randomInt(ports.lowest, ports.highest + 1)

/** Of loopback, free a moment ago, and another one each time. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tried = ports.lowest; tried <= ports.highest; tried++) {
    const port = next
    next = port < ports.highest ? port + 1 : ports.lowest
    if (await isFree(port, host)) return port
  }
  throw new Error(`no port of ${host} is free: end some of what listens there`)
}

/** Whether nobody has the port of this address, on TCP and UDP. */
export async function isFree(port: number, host: string): Promise<boolean> {
  const probe = createServer()
  const socket = createSocket('udp4')
  try {
    probe.listen(port, host)
    await once(probe, 'listening')
    socket.bind(port, host)
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    probe.close()
    socket.close()
  }
}
