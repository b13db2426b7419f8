import { CONDITION, hasLiveKit, type MeetingCluster, REASON } from '../api/index.ts'
import { addressOf } from '../render/index.ts'
import type { Finding } from './conditions.ts'
import type { Problem } from './status.ts'

/** What matters of the address of an external Redis; no secret is in it. */
export interface RedisServer {
  /** `host:port`. */
  at: string
  tls: boolean
  /** A user is named, other than the one that a password alone stands for. */
  user: boolean
}

/** @returns undefined for what is no address */
export function redisServer(address: string): RedisServer | undefined {
  const url = URL.parse(address.trim())
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === '') return undefined
  const { host, port } = addressOf(url)
  return {
    at: `${host.toLowerCase()}:${port}`,
    tls: url.protocol === 'rediss:',
    user: url.username !== '' && url.username !== 'default',
  }
}

/**
 * Whether what TURN relays is counted. coturn reports to Redis over a connection that knows neither TLS nor the
 * names of users, so with an external Redis that wants either it reports to nobody.
 */
export function meteredFindings(
  { spec }: Pick<MeetingCluster, 'spec'>,
  server: RedisServer | undefined,
): Finding[] {
  if (spec.redis.mode !== 'External' || !server) return []
  const wants = [server.tls ? 'TLS' : '', server.user ? 'a user name' : ''].filter(Boolean)
  const type = CONDITION.RelayMetered
  if (wants.length === 0)
    return [{ type, status: 'True', reason: REASON.Available, message: 'coturn reaches Redis' }]
  return [
    {
      type,
      status: 'False',
      reason: REASON.RelayUnmetered,
      message: `the external Redis wants ${wants.join(' and ')}, which coturn does not speak: calls work, and what TURN relays is not metered; give spec.redis.external an address without, or take mode Managed`,
    },
  ]
}

/**
 * Which external Redis each MeetingCluster is on. LiveKit's keys and messages are the same whatever the number of
 * the database, so two of them on one server would be one: rooms of the same name would meet.
 */
export class RedisNeighbours {
  readonly #at = new Map<string, string>()
  readonly #enqueue: (key: string) => void

  /** @param enqueue looks at a MeetingCluster again @see {@link RedisNeighbours.settle} */
  constructor(enqueue: (key: string) => void) {
    this.#enqueue = enqueue
  }

  /** Says where a MeetingCluster is, if anywhere; those who were or are there too are looked at again. */
  settle(key: string, at: string | undefined): void {
    const before = this.#at.get(key)
    if (before === at) return
    if (at === undefined) this.#at.delete(key)
    else this.#at.set(key, at)
    for (const [other, place] of this.#at)
      if (other !== key && (place === before || place === at)) this.#enqueue(other)
  }

  *with(key: string): Iterable<string> {
    const at = this.#at.get(key)
    if (at === undefined) return
    for (const [other, place] of this.#at) if (other !== key && place === at) yield other
  }
}

/** Where the LiveKit of a MeetingCluster keeps its rooms, if that is on a Redis of somebody else. */
export function liveKitServer(
  cluster: MeetingCluster,
  server: RedisServer | undefined,
): string | undefined {
  return hasLiveKit(cluster) && cluster.spec.redis.mode === 'External' ? server?.at : undefined
}

/** The one that was there first may stay; the other is told, and gets no LiveKit. */
export function sharedRedis(
  cluster: MeetingCluster,
  neighbours: readonly MeetingCluster[],
): Problem | undefined {
  const first = neighbours.toSorted(byAge)[0]
  if (!first || byAge(cluster, first) < 0) return undefined
  return {
    reason: REASON.RedisShared,
    message: `spec.redis.external: LiveKit of MeetingCluster ${nameOf(first)} is on this Redis, where rooms of the same name would meet; give each a Redis of its own, or set spec.sfu.engine to None`,
    stalled: true,
  }
}

const nameOf = ({ metadata }: MeetingCluster) => `${metadata.namespace}/${metadata.name}`

function byAge(a: MeetingCluster, b: MeetingCluster): number {
  const [one, two] = [a, b].map((each) => `${createdAt(each)} ${nameOf(each)}`) as [string, string]
  return one < two ? -1 : one > two ? 1 : 0
}

function createdAt({ metadata }: MeetingCluster): string {
  return (metadata as { creationTimestamp?: string }).creationTimestamp ?? ''
}
