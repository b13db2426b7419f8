import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Ports of nobody: above those of well-known servers, below node ports and those that systems give to connections. */
const lowest = 15_000
const highest = 29_999
let next = randomInt(lowest, highest + 1)

/**
 * Ports that nothing listens on, all different, for servers that are still to be started. The system's own choice (port 0)
 * would be of those that it gives to whatever connects anywhere meanwhile, which is then where the server cannot listen.
 */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const free: number[] = []
  for (let tried = 0; free.length < count; tried++) {
    if (tried > highest - lowest) throw new Error(`no port of ${host} is free`)
    const port = next
    next = port < highest ? port + 1 : lowest
    if (await isFree(port, host)) free.push(port)
  }
  return free
}

export async function freePort(host?: string): Promise<number> {
  const [port = 0] = await freePorts(1, host)
  return port
}

async function isFree(port: number, host: string): Promise<boolean> {
  const probe = createServer().listen({ port, host, exclusive: true })
  try {
    await once(probe, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
  probe.close()
  await once(probe, 'close')
  return true
}
