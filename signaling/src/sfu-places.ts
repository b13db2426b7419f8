import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'

/** LiveKit's pods by id, and which of them has a room, by the room's name. */
const nodesKey = 'nodes'
const placesKey = 'room_node_map'

const restMs = 2_000
const doubtMs = 250
/**
 * Longer than LiveKit takes to say again which pods there are, 2 s, and to close a room that all have left, 20 s: it
 * then forgets the room's pod, whichever pod that is by now.
 */
const doubtForMs = 60_000
/** Of all replicas, one tells a room. */
const toldMs = 10_000

/**
 * Keeps in mind which of LiveKit's pods has each room. LiveKit itself knows that from Redis alone: when Redis comes
 * back without its data, whoever comes to a room may land on another pod, and meet nobody there. So after Redis was
 * away what it has forgotten is put back; and where somebody was faster, the room's people are told, who then all meet
 * on the pod that Redis now says.
 *
 * @param options.rooms LiveKit's names of the rooms that have people here and are on the SFU
 * @param options.onSplit with the names of rooms whose people are on two pods, in one replica of all
 */
export function keepSfuPlaces(options: {
  redis: Pick<Redis, 'hkeys' | 'hmget' | 'hsetnx' | 'set' | 'on' | 'off'>
  /** Of keys of our own. */
  prefix: string
  clock: Clock
  log: Logger
  rooms(): Iterable<string>
  onSplit(rooms: string[]): void
}): { close(): void } {
  const { redis, prefix, clock, log, onSplit } = options
  const places = new SfuPlaces()
  /** Rooms whose people are to be told yet, and whether that was tried: Redis may go away again before it is. */
  const untold = new Map<string, boolean>()
  let doubtUntil = 0
  let closed = false
  let cancel = () => {}
  let looking = false

  const restore = async (room: string, node: string) => {
    if ((await redis.hsetnx(placesKey, room, node)) === 0) return
    log.warn({ room, node }, 'Redis had forgotten which SFU pod has a room: put back')
  }
  const tell = async (room: string, again: boolean) => {
    untold.set(room, true)
    const told = await redis.set(`${prefix}:split:${room}`, '1', 'PX', toldMs, 'NX')
    untold.delete(room)
    // What was not answered may have been done all the same: told twice is better than not at all.
    if (told === null && !again) return
    log.warn({ room }, 'the people of a room were on two SFU pods: they meet on one')
    onSplit([room])
  }
  const look = async (): Promise<void> => {
    looking = true
    const here = [...options.rooms()]
    const doubtful = clock.now() < doubtUntil
    try {
      const [said, listed] = await Promise.all([
        here.length === 0 ? [] : redis.hmget(placesKey, ...here),
        doubtful ? redis.hkeys(nodesKey) : [],
      ])
      const now = new Map(here.map((room, index) => [room, said[index] ?? undefined]))
      const { missing, split } = places.take(now, doubtful ? new Set(listed) : undefined)
      for (const room of split) untold.set(room, untold.get(room) ?? false)
      // The pod that they leave closes the room only then, and LiveKit forgets the other one with it.
      if (split.length > 0) doubtUntil = clock.now() + doubtForMs
      for (const [room, node] of missing) await restore(room, node)
      for (const [room, again] of untold) {
        if (now.has(room)) await tell(room, again)
        else untold.delete(room)
      }
    } catch (error) {
      // Redis is away, which is logged where it is noticed first.
      log.debug({ problem: (error as Error).message }, 'places of rooms not looked after')
    }
    looking = false
    if (!closed)
      cancel = clock.after(clock.now() < doubtUntil ? doubtMs : restMs, () => void look())
  }
  const doubt = () => {
    doubtUntil = clock.now() + doubtForMs
    if (looking) return
    cancel()
    cancel = clock.after(doubtMs, () => void look())
  }
  redis.on('close', doubt)
  void look()

  return {
    close() {
      closed = true
      cancel()
      redis.off('close', doubt)
    },
  }
}

/** On which of LiveKit's pods each room is, from one look at Redis to the next. */
export class SfuPlaces {
  readonly #places = new Map<string, string>()

  /**
   * @param said what Redis says of each room that has people here
   * @param alive LiveKit's pods, where Redis may have forgotten what it said before; undefined: it is right
   * @returns what Redis has forgotten, with the pod of each; and rooms that are on two pods, each once
   */
  take(
    said: ReadonlyMap<string, string | undefined>,
    alive?: ReadonlySet<string>,
  ): { missing: [room: string, node: string][]; split: string[] } {
    const missing: [string, string][] = []
    const split: string[] = []
    for (const room of this.#places.keys()) if (!said.has(room)) this.#places.delete(room)
    for (const [room, node] of said) {
      const known = this.#places.get(room)
      if (known === undefined || alive === undefined) this.#remember(room, node)
      else if (known === node || !alive.has(known)) continue
      else if (node === undefined) missing.push([room, known])
      else {
        split.push(room)
        this.#remember(room, node)
      }
    }
    return { missing, split }
  }

  #remember(room: string, node: string | undefined): void {
    if (node === undefined) this.#places.delete(room)
    else this.#places.set(room, node)
  }
}
