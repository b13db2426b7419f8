import type { FakeConnection } from './FakeConnection.ts'

/**
 * What lies between fake connections: two that agreed on one session are connected, and their
 * data channels carry messages, until the path of that session is cut.
 */
export class FakeNetwork {
  readonly connections: FakeConnection[] = []
  readonly #cut = new Set<string>()
  /** A network that lets nothing through, whatever is negotiated. */
  down = false
  /** Only what goes through a TURN server gets through. */
  relayOnly = false
  readonly #later: (run: () => void) => void

  /** @param later when two ends that have agreed find each other */
  constructor(later: (run: () => void) => void = queueMicrotask) {
    this.#later = later
  }

  add(connection: FakeConnection): FakeConnection {
    this.connections.push(connection)
    connection.onAgreed = () => this.#later(() => this.#join())
    return connection
  }

  /** Sessions agreed so far lead nowhere any more (a NAT forgot them): only an ICE restart helps. */
  cutPaths(): void {
    for (const connection of this.connections)
      for (const path of pathsOf(connection)) this.#cut.add(path)
  }

  /** The browsers notice. */
  report(state: 'disconnected' | 'failed'): void {
    for (const connection of this.connections)
      if (connection.agreed && !this.#open(connection).length) connection.become(state)
  }

  heal(): void {
    this.down = false
    this.#join()
  }

  #join(): void {
    const open = this.connections.filter(({ closed }) => !closed)
    for (const one of open) {
      const other = open.find((candidate) => candidate !== one && this.#carries(one, candidate))
      if (!other) continue
      for (const [index, channel] of one.channels.entries()) {
        channel.deliver = (data) => {
          const peer = other.channels[index]
          if (this.#carries(one, other) && peer?.readyState === 'open') peer.onmessage?.({ data })
        }
      }
      one.become('connected')
      for (const channel of one.channels) {
        if (channel.readyState === 'open') continue
        channel.readyState = 'open'
        channel.onopen?.()
      }
    }
  }

  #carries(one: FakeConnection, other: FakeConnection): boolean {
    if (this.down || one.closed || other.closed) return false
    if (this.relayOnly && ![one, other].every(hasTurn)) return false
    const there = this.#open(other)
    return this.#open(one).some((path) => there.includes(path))
  }

  #open(connection: FakeConnection): string[] {
    return pathsOf(connection).filter((path) => !this.#cut.has(path))
  }
}

const hasTurn = ({ configuration }: FakeConnection) =>
  (configuration.iceServers ?? []).some(({ urls }) => String(urls).startsWith('turn'))

/** An end that has agreed on the next path still hears what comes over the one before. */
const pathsOf = ({ agreed, agreedBefore }: FakeConnection) =>
  [agreed, agreedBefore].flatMap((path) => (path ? [`${path.offer} ${path.answer}`] : []))
