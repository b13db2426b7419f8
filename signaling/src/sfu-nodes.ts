import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'

/** LiveKit's pods by id, as each says of itself every 2 s, and which of them has a room, by the room's name. */
const nodesKey = 'nodes'
const roomsKey = 'room_node_map'
/** What each pod of LiveKit listens to, as long as it lives: its own reminder to say that it is there. */
const channelOf = (node: string) => `Keepalive|Ping|${node}|REQ`

const lookMs = 250
/** Heard at so many looks in a row, a pod is known: one whose number comes and goes is never taken for dead. */
const knownLooks = 20
/** A pod that has only lost its connection to Redis has a new one long before. */
const silentLooks = 2

/**
 * Takes LiveKit's pods that have died off LiveKit's own list. LiveKit takes a pod for alive until it has said nothing
 * for 5 s, and until then sends everybody who comes back to one of its rooms there. Redis knows at once: with the
 * process its connections end, and nobody listens any more to what only that pod listens to. So no pod is taken off
 * because one replica of signaling does not reach it. A node that vanishes without closing connections is left to
 * LiveKit, and so is one that leaves, which takes itself off. A pod that lives puts itself back within 2 s.
 *
 * @param options.onLost with names of the rooms that were on a pod that has died, in one replica of all; whoever comes
 *   to LiveKit from then on comes to another pod
 */
export function watchSfuNodes(options: {
  redis: Pick<Redis, 'hkeys' | 'hgetall' | 'hdel' | 'pubsub' | 'on' | 'off'>
  clock: Clock
  log: Logger
  onLost(rooms: string[]): void
  /** Between two looks; {@link lookMs}. */
  everyMs?: number
}): { close(): void } {
  const { redis, clock, log, onLost, everyMs = lookMs } = options
  const nodes = new SfuNodes()
  // A Redis that begins anew has no listeners at first, though all pods live.
  const forget = () => nodes.forget()
  redis.on('close', forget)
  let closed = false
  let cancel = () => {}

  const listening = async (): Promise<ReadonlyMap<string, boolean>> => {
    const ids = await redis.hkeys(nodesKey)
    if (ids.length === 0) return new Map()
    const counts = (await redis.pubsub('NUMSUB', ...ids.map(channelOf))) as (string | number)[]
    return new Map(ids.map((id, index) => [id, Number(counts[2 * index + 1]) > 0]))
  }

  const remove = async (node: string): Promise<void> => {
    // Of all replicas the one that takes it off tells its people.
    if ((await redis.hdel(nodesKey, node)) === 0) return
    const places = Object.entries(await redis.hgetall(roomsKey))
    const rooms = places.filter(([, at]) => at === node).map(([room]) => room)
    log.warn({ node, rooms: rooms.length }, 'an SFU pod has died: its rooms go to another one')
    if (rooms.length > 0) onLost(rooms)
  }

  const look = async (): Promise<void> => {
    try {
      for (const node of nodes.take(await listening())) await remove(node)
    } catch (error) {
      // Redis is away, which is logged where it is noticed first, or is none of LiveKit's.
      nodes.forget()
      log.debug({ problem: (error as Error).message }, 'SFU pods not looked after')
    }
    if (!closed) cancel = clock.after(everyMs, () => void look())
  }
  void look()

  return {
    close() {
      closed = true
      cancel()
      redis.off('close', forget)
    },
  }
}

/** Which of LiveKit's pods have died, from one look at Redis to the next. */
export class SfuNodes {
  readonly #pods = new Map<string, { heard: number; silent: number }>()

  /**
   * @param listening the pods on LiveKit's list, and whether each listens
   * @returns those that have died; each is named once
   */
  take(listening: ReadonlyMap<string, boolean>): string[] {
    for (const id of this.#pods.keys()) if (!listening.has(id)) this.#pods.delete(id)
    const dead: string[] = []
    for (const [id, listens] of listening) {
      const pod = this.#pods.get(id) ?? { heard: 0, silent: 0 }
      if (listens) this.#pods.set(id, { heard: pod.silent > 0 ? 1 : pod.heard + 1, silent: 0 })
      else if (pod.heard < knownLooks) this.#pods.delete(id)
      else if (pod.silent + 1 < silentLooks) pod.silent++
      else {
        this.#pods.delete(id)
        dead.push(id)
      }
    }
    return dead
  }

  forget(): void {
    this.#pods.clear()
  }
}
