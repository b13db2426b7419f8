import { parseTurnUsername, type RelayIdentity, type RelayLoad } from '@parley/protocol'
import { type AllocationRecord, hourMs, refKey, type StatsdbEvent } from '@parley/relay-cost'

/** Span over which a rate is measured: several deltas of a video call, a few of an audio call. */
export const rateWindowMs = 60_000

/** Counts closer together than this are one: coturn says both legs of a delta in two messages. */
const sameMomentMs = 1000

/** After this long without a word an allocation is not there: a lifetime is an hour at most. */
const forgottenMs = 2 * hourMs

/** So many bytes had been relayed at this instant (epoch ms). */
type Mark = { at: number; bytes: number }

/**
 * Bytes a second of one allocation, out of counts that come seldom: coturn says what an allocation
 * relayed each time that its packet counters sum to a multiple of 4,096, and at its end. Two people
 * with video are about 10 s apart, audio alone 40 s.
 *
 * Between two counts the bytes are taken to have flowed evenly. After the last one they are taken to
 * go on as before, by no more than came with it: had more flowed, coturn would have said so. So the
 * rate neither jumps when a count comes nor stays up when an allocation falls silent: it then falls
 * to nothing over the window.
 */
export class RelayRate {
  #marks: Mark[]
  #ended = false

  /** @param since epoch ms from which the first count is taken to be */
  constructor(since: number) {
    this.#marks = [{ at: since, bytes: 0 }]
  }

  /** Takes in bytes that were relayed since the count before. */
  add(at: number, bytes: number): void {
    const last = this.#last
    if (this.#marks.length > 1 && at < last.at + sameMomentMs) last.bytes += bytes
    else this.#marks.push({ at: Math.max(at, last.at), bytes: last.bytes + bytes })
    this.#forget(at)
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended = true
  }

  /** Bytes a second over the last {@link rateWindowMs}. */
  bytesPerSecond(now: number): number {
    const bytes = this.#bytesAt(now) - this.#bytesAt(now - rateWindowMs)
    return Math.max(0, bytes / (rateWindowMs / 1000))
  }

  /** Has ended, and left the window. */
  isOver(now: number): boolean {
    return this.#ended && this.#last.at <= now - rateWindowMs
  }

  get #last(): Mark {
    return this.#marks.at(-1) as Mark
  }

  /** How much had been relayed at an instant. */
  #bytesAt(at: number): number {
    const next = this.#marks.findIndex((mark) => mark.at >= at)
    const [first] = this.#marks
    if (next === 0) return first?.bytes ?? 0
    if (next > 0) {
      const [before, after] = this.#marks.slice(next - 1, next + 1) as [Mark, Mark]
      const share = (at - before.at) / (after.at - before.at)
      return before.bytes + share * (after.bytes - before.bytes)
    }
    return this.#last.bytes + this.#goingOn(at - this.#last.at)
  }

  #goingOn(ms: number): number {
    const [before, last] = this.#marks.slice(-2) as [Mark, Mark | undefined]
    if (this.#ended || !last) return 0
    const delta = last.bytes - before.bytes
    return Math.min(delta, (delta / Math.max(last.at - before.at, sameMomentMs)) * ms)
  }

  /** Of what lies before the window, the last mark is enough. */
  #forget(now: number): void {
    while (this.#marks.length > 2 && (this.#marks[1]?.at ?? now) <= now - rateWindowMs)
      this.#marks.shift()
  }
}

/** What each TURN pod sends now, from coturn's deltas as they come in. */
export class PodRates {
  #entries = new Map<string, { pod: string; rate: RelayRate; heardAt: number }>()

  count(event: StatsdbEvent): void {
    const { at, allocation } = event
    const key = refKey(allocation)
    const isNew = event.kind === 'allocation-new'
    const known = isNew ? undefined : this.#entries.get(key)
    // When nobody knows how long a first delta took: a window, so that it says neither much nor nothing.
    const entry = known ?? {
      pod: podOf(allocation.realm),
      rate: new RelayRate(isNew ? at : at - rateWindowMs),
      heardAt: at,
    }
    if (!known && event.kind === 'allocation-deleted') return
    entry.heardAt = at
    this.#entries.set(key, entry)
    if (event.kind === 'allocation-deleted') entry.rate.end()
    // Totals only correct what was lost on the way, and nobody knows when.
    if (event.kind === 'traffic' || event.kind === 'traffic/peer')
      entry.rate.add(
        at,
        (event.traffic.turnToClientBytes ?? 0) + (event.traffic.turnToPeerBytes ?? 0),
      )
  }

  /** Drops what is over, and what was not heard of for long. */
  forget(now: number): void {
    for (const [key, { rate, heardAt }] of this.#entries)
      if (rate.isOver(now) || heardAt < now - forgottenMs) this.#entries.delete(key)
  }

  /** Mbit/s by pod; pods that send nothing have none. */
  megabitsPerSecond(now: number): Map<string, number> {
    const result = new Map<string, number>()
    for (const { pod, rate } of this.#entries.values()) {
      const mbps = (rate.bytesPerSecond(now) * 8) / 1e6
      if (mbps > 0) result.set(pod, (result.get(pod) ?? 0) + mbps)
    }
    return result
  }
}

/** The load of each pod that has any: allocations that are open, and how fast it relays. */
export function relayLoad(
  open: Iterable<AllocationRecord>,
  rates: ReadonlyMap<string, number>,
  now: number,
): RelayLoad {
  const pods: RelayLoad['pods'] = {}
  const users = new Map<string, Set<string>>()
  const podEntry = (pod: string) => {
    pods[pod] ??= { allocations: 0, users: 0, relayedMbps: 0 }
    return pods[pod]
  }
  for (const record of open) {
    const pod = podOf(record.realm)
    const holders = users.get(pod) ?? new Set()
    users.set(pod, holders.add(holderOf(record)))
    const entry = podEntry(pod)
    entry.allocations += 1
    entry.users = holders.size
  }
  for (const [pod, mbps] of rates) podEntry(pod).relayedMbps = Math.round(mbps * 1000) / 1000
  return { at: now, pods }
}

/** One string per participant, whichever of their credentials they use. */
export function holderOf({ username }: Pick<AllocationRecord, 'username'>): string {
  const identity = parseTurnUsername(username)?.identity
  return identity ? identityText(identity) : username
}

/** Unlike any user name that is none of ours. */
export function identityText({ tenant, room, participant }: RelayIdentity): string {
  return JSON.stringify([tenant, room, participant])
}

/** coturn's realm is `<pod>.<cluster>`; a pod that a Deployment made has no dot in its name. */
function podOf(realm: string): string {
  return realm.split('.', 1)[0] ?? realm
}
