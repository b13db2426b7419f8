/** One reading of what is decoded of a peer's video. */
export type VideoReading = {
  peerId: string
  /** Each way counts its own frames. */
  way: number
  /** When it was read, in ms of any clock that never goes back. */
  atMs: number
  framesDecoded: number
  /** Sum over all frames of the time since the frame before, in ms; where the browser counts it. */
  interFrameMs: number | undefined
  /** Sum of the squares of those times, in ms². */
  squaredInterFrameMs: number | undefined
  /** Video is sent and wanted. False while a camera is off, or a tile is not on screen. */
  expected: boolean
}

/** The longest time without a newly decoded frame, a time that still goes on included. */
export type Freeze = {
  peerId: string
  longestMs: number
  /** When it was seen last, by the clock of the readings. */
  seenMs: number
  framesDecoded: number
}

type Peer = {
  longestMs: number
  seenMs: number
  framesDecoded: number
  /** The reading before, of the connection that is in use. */
  before: VideoReading | undefined
  /** When frames were last seen to have come; undefined where none is due. */
  lastFrameMs: number | undefined
  /** Nothing counts that lies before: the peer's first frame, the last reset or pause. */
  sinceMs: number
}

/**
 * Finds how long each peer's video stood still, from readings at any distance from each other.
 *
 * Where frames came between two readings, the longest of their n intervals is no longer than
 * mean + s·√(n−1) (Samuelson's inequality; s: standard deviation), which browsers count sums for
 * (`totalInterFrameDelay`, `totalSquaredInterFrameDelay` of W3C webrtc-stats). For one long interval
 * among equal ones that is its very length, so a late reading is not taken for a freeze.
 */
export class FreezeMeter {
  readonly #peers = new Map<string, Peer>()

  observe(reading: VideoReading): void {
    const { peerId, atMs, framesDecoded, expected } = reading
    const peer = this.#peers.get(peerId) ?? {
      longestMs: 0,
      seenMs: atMs,
      framesDecoded: 0,
      before: undefined,
      lastFrameMs: undefined,
      sinceMs: atMs,
    }
    this.#peers.set(peerId, peer)
    const before = peer.before
    peer.before = reading
    // Counters that fell are those of a new connection, and no interval ends with its first frame.
    const anew =
      !before?.framesDecoded || before.way !== reading.way || framesDecoded < before.framesDecoded
    const frames = anew ? framesDecoded : framesDecoded - before.framesDecoded
    peer.framesDecoded += frames
    if (!expected) peer.lastFrameMs = undefined
    else if (frames === 0) lengthen(peer, atMs, Number.POSITIVE_INFINITY)
    else {
      if (peer.lastFrameMs === undefined) peer.sinceMs = atMs
      else lengthen(peer, atMs, anew ? Number.POSITIVE_INFINITY : longestInterval(before, reading))
      peer.lastFrameMs = atMs
    }
  }

  /** Of every peer whose video was seen since the last reset, also if it has left since. */
  freezes(): Freeze[] {
    return [...this.#peers]
      .filter(([, peer]) => peer.framesDecoded > 0 || peer.lastFrameMs !== undefined)
      .map(([peerId, { longestMs, seenMs, framesDecoded }]) => ({
        peerId,
        longestMs: Math.round(longestMs),
        seenMs: Math.round(seenMs),
        framesDecoded,
      }))
  }

  /**
   * Begins anew at `nowMs`, and forgets who is not `present`. Of a freeze that goes on, what comes
   * from now on counts.
   */
  reset(nowMs: number, present: readonly string[]): void {
    for (const [id, peer] of this.#peers) {
      if (!present.includes(id)) this.#peers.delete(id)
      Object.assign(peer, { longestMs: 0, seenMs: nowMs, framesDecoded: 0, sinceMs: nowMs })
    }
  }
}

function lengthen(peer: Peer, nowMs: number, atMostMs: number): void {
  if (peer.lastFrameMs === undefined) return
  const sinceLastFrame = nowMs - Math.max(peer.lastFrameMs, peer.sinceMs)
  const gap = Number.isFinite(atMostMs) ? Math.min(atMostMs, nowMs - peer.sinceMs) : sinceLastFrame
  if (gap < peer.longestMs) return
  peer.longestMs = gap
  peer.seenMs = nowMs
}

/** Infinity where the browser does not count intervals. */
function longestInterval(before: VideoReading, now: VideoReading): number {
  const frames = now.framesDecoded - before.framesDecoded
  const sum = difference(now.interFrameMs, before.interFrameMs)
  const squares = difference(now.squaredInterFrameMs, before.squaredInterFrameMs)
  if (sum === undefined || squares === undefined) return Number.POSITIVE_INFINITY
  const mean = sum / frames
  const variance = Math.max(0, squares / frames - mean * mean)
  return mean + Math.sqrt(variance * (frames - 1))
}

function difference(now: number | undefined, before: number | undefined): number | undefined {
  return now === undefined || before === undefined ? undefined : now - before
}
