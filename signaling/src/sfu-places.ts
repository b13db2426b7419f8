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

/**
 * Keeps in mind which of LiveKit's pods has each room. LiveKit itself knows that from Redis alone: when Redis comes
 * back without its data, whoever comes to a room may land on another pod, and meet nobody there. So after Redis was
 * away what it has forgotten is put back; and where somebody was faster, the room's people are told, who then all meet
 * on the pod that Redis now says. That goes for a pod that drains, too: it keeps its rooms, and takes who comes to them.
 *
 * Each replica finds it out by itself and tells its own people: nobody hears the others for sure, so soon after Redis was
 * away.
 *
 * @param options.rooms LiveKit's names of the rooms that have people here and are on the SFU
 * @param options.onSplit with the names of rooms of which people here may be on another pod than all who come now
 */
export function keepSfuPlaces(options: {
  redis: Pick<Redis, 'hkeys' | 'hmget' | 'hsetnx' | 'on' | 'off'>
  clock: Clock
  log: Logger
  rooms(): Iterable<string>
  onSplit(rooms: string[]): void
}): { close(): void } {
  const { redis, clock, log, onSplit } = options
  const places = new SfuPlaces()
  let doubtUntil = 0
  let closed = false
  let cancel = () => {}
  let looking = false

  const restore = async (room: string, node: string) => {
    if ((await redis.hsetnx(placesKey, room, node)) === 0) return
    log.warn({ room, node }, 'Redis had forgotten which SFU pod has a room: put back')
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
      if (split.length > 0) {
        log.warn({ rooms: split }, 'people of rooms were on two SFU pods: they meet on one')
        onSplit(split)
        // The pod that they leave closes the room only then, and LiveKit forgets the other one with it.
        doubtUntil = clock.now() + doubtForMs
      }
      for (const [room, node] of missing) await restore(room, node)
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
