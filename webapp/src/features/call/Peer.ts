import type { LinkStats } from '../connection/linkStats.ts'
import type { SendQuality } from '../connection/SendQuality.ts'
import type { Link } from './Link.ts'

/** One other participant as this end has it: the way there, and what was last read of it. */
export type Peer = {
  link: Link
  /** When the link began, by the clock. */
  madeAtMs: number
  /** The link that is to take over as soon as it delivers. */
  next?: Link
  /** Rises with every take-over: frames are counted from 0 again. */
  ways: number
  /**
   * The server has the participant no more, yet media flows: its socket is lost, or the server
   * began anew. It stays for as long as the link does (REQ-W1: media is kept alive).
   */
  absent: boolean
  stats?: LinkStats
  /** What they were read from. */
  rows?: [string, unknown][]
  /** When `stats` were read, by the clock. */
  readAtMs?: number
  /** Of everything that was sent between that reading and the one before. */
  sentKbps?: number | undefined
  loss?: number | undefined
  /** At which level its link sends the camera. */
  quality: SendQuality
}
