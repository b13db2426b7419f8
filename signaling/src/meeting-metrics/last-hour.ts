import {
  type AdminHistory,
  type KnownLink,
  type LinkReport,
  type MinutePoint,
  relayReasonOf,
  type WebrtcSample,
} from '@parley/protocol'
import type { ChainableCommander, Redis } from 'ioredis'
import { isFault } from '../redis-fault.ts'
import { type UserKey, userName } from './live-meetings.ts'

/** What admins may ask of a participant: their last hour, and their links as their page reported them. */
export type LastHour = {
  /** Does not wait, and loses what Redis does not take, which is counted: nobody's call, and no bill, depends on it. */
  addMinutes(samples: readonly WebrtcSample[]): void
  noteLink(of: UserKey, report: LinkReport): void
  /** Rejects while Redis is away. */
  read(of: UserKey): Promise<AdminHistory>
}

const minutesMax = 60
const keptMs = 3_600_000
/** Of a participant; of more, what is reported later is not known. */
const linksMax = 64
/** Participants in a round trip. */
const together = 500

/** @param now epoch ms */
export function memoryLastHour(now: () => number): LastHour {
  type Known = { at: number; minutes: MinutePoint[]; links: Map<number, LinkReport> }
  const known = new Map<string, Known>()
  /** The last one is whom something was heard of last. */
  const touch = (of: UserKey): Known => {
    const name = userName(of)
    const found = known.get(name) ?? { at: 0, minutes: [], links: new Map() }
    found.at = now()
    known.delete(name)
    known.set(name, found)
    for (const [oldest, { at }] of known) {
      if (now() - at < keptMs) break
      known.delete(oldest)
    }
    return found
  }
  const links = (of: UserKey) => [...(known.get(userName(of))?.links.values() ?? [])]
  return {
    addMinutes(samples) {
      for (const sample of samples) {
        const { minutes } = touch(sample)
        minutes.push(pointOf(sample))
        if (minutes.length > minutesMax) minutes.shift()
      }
    },
    noteLink(of, report) {
      const found = touch(of).links
      if (found.has(report.link) || found.size < linksMax) found.set(report.link, report)
    },
    async read(of) {
      const minutes = known.get(userName(of))?.minutes ?? []
      return historyOf(of, minutes, links(of), now(), async (peer) => links(peer))
    },
  }
}

/**
 * Shared by all replicas.
 *
 * @param options.redis fails at once while Redis is away
 * @param options.onDropped so many minutes, or links, are lost, or may stay longer than they should
 * @param options.onFault what Redis refuses although it is there
 */
export function redisLastHour(options: {
  redis: Redis
  cluster: string
  now(): number
  onDropped(what: 'minute' | 'link', count: number): void
  onFault(error: Error): void
}): LastHour {
  const { redis, cluster, now, onDropped, onFault } = options
  const key = (what: 'minutes' | 'links', of: UserKey) =>
    `parley:${cluster}:last-hour:${what}:${userName(of)}`
  /** A minute of thousands is no single message, and nobody waits for it. */
  async function write(samples: readonly WebrtcSample[]) {
    for (let from = 0; from < samples.length; from += together) {
      const pipeline = redis.pipeline()
      const part = samples.slice(from, from + together)
      for (const sample of part) {
        const list = key('minutes', sample)
        pipeline.rpush(list, JSON.stringify(pointOf(sample)))
        pipeline.ltrim(list, -minutesMax, -1).pexpire(list, keptMs)
      }
      await exec(pipeline, 'minute', part.length)
    }
  }
  /** A pipeline does not reject: of each of its commands, as many for every minute or link, it says what became of it. */
  async function exec(pipeline: ChainableCommander, what: 'minute' | 'link', count: number) {
    const each = pipeline.length / count
    const answers = (await pipeline.exec()) ?? []
    const failed = answers.flatMap(([error], index) => (error ? [{ error, index }] : []))
    const lost = new Set(failed.map(({ index }) => Math.floor(index / each))).size
    if (lost > 0) onDropped(what, lost)
    const fault = failed.find(({ error }) => isFault(error))
    if (fault) onFault(fault.error)
  }
  const links = async (of: UserKey) =>
    (await redis.hvals(key('links', of))).map((json) => JSON.parse(json) as LinkReport)
  return {
    addMinutes(samples) {
      void write(samples)
    },
    noteLink(of, report) {
      const hash = key('links', of)
      const pipeline = redis
        .pipeline()
        .hset(hash, String(report.link % linksMax), JSON.stringify(report))
        .pexpire(hash, keptMs)
      void exec(pipeline, 'link', 1)
    },
    async read(of) {
      const [minutes, own] = await Promise.all([redis.lrange(key('minutes', of), 0, -1), links(of)])
      const points = minutes.map((json) => JSON.parse(json) as MinutePoint)
      return historyOf(of, points, own, now(), links)
    },
  }
}

async function historyOf(
  of: UserKey,
  minutes: readonly MinutePoint[],
  links: readonly LinkReport[],
  now: number,
  linksOf: (peer: UserKey) => Promise<LinkReport[]>,
): Promise<AdminHistory> {
  const open = links.filter(({ ended, selected }) => !ended && selected)
  return {
    minutes: minutes.filter(({ at }) => now - at < keptMs),
    links: await Promise.all(
      open.map(async (own) => {
        const { peer } = own
        const there = peer === null ? [] : await linksOf({ ...of, participant: peer })
        return linkOf(
          own,
          there.findLast((one) => one.peer === of.participant && !one.ended),
        )
      }),
    ),
  }
}

/** A link is relayed by a relay of this end, or of the other one, whose page knows why. */
export function linkOf(own: LinkReport, other: LinkReport | undefined): KnownLink {
  const { peer, selected } = own
  if (selected?.local === 'relay')
    return {
      ...{ peer, relayed: true, reason: relayReasonOf(own, other), relayOf: 'self' },
      ...(selected.relayProtocol && { relayProtocol: selected.relayProtocol }),
    }
  if (selected?.remote !== 'relay') return { peer, relayed: false }
  const protocol = other?.selected?.relayProtocol
  return {
    ...{ peer, relayed: true, relayOf: 'peer' },
    reason: other ? relayReasonOf(other, own) : 'unknown',
    ...(protocol && { relayProtocol: protocol }),
  }
}

export function pointOf(sample: WebrtcSample): MinutePoint {
  const { at, durationMs, bytesSent, bytesReceived, rttMs, lossPercent, mos, quality } = sample
  const kbps = (bytes: number) => Math.round((bytes * 8) / Math.max(1, durationMs))
  return {
    at,
    up: kbps(bytesSent),
    down: kbps(bytesReceived),
    rtt: rttMs?.avg ?? null,
    loss: lossPercent,
    mos,
    quality,
    relayed: Math.min(1, sample.relayedMs / Math.max(1, durationMs)),
  }
}
