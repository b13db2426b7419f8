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
    for (const { agreed } of this.connections) if (agreed) this.#cut.add(key(agreed))
  }

  /** The browsers notice. */
  report(state: 'disconnected' | 'failed'): void {
    for (const connection of this.connections)
      if (connection.agreed && this.#cut.has(key(connection.agreed))) connection.become(state)
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
    if (this.down || one.closed || other.closed || !one.agreed || !other.agreed) return false
    if (this.relayOnly && ![one, other].every(hasTurn)) return false
    const session = key(one.agreed)
    return session === key(other.agreed) && !this.#cut.has(session)
  }
}

const hasTurn = ({ configuration }: FakeConnection) =>
  (configuration.iceServers ?? []).some(({ urls }) => String(urls).startsWith('turn'))

const key = ({ offer, answer }: { offer: string; answer: string }) => `${offer} ${answer}`
