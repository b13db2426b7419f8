import type { QualityLabel } from './quality.ts'

/**
 * One participant's minute of a call, as the metrics gateway hands it to the history: by the server's clock, and
 * merged from what the page said of itself. A client says what it likes, so nothing is charged by it.
 */
export type WebrtcSample = {
  /** Epoch ms at which it ends. */
  at: number
  /** How long it covers: a minute, or less at the end of a stay. */
  durationMs: number
  tenant: string
  room: string
  participant: string
  /** Of all connections, within this time. */
  bytesSent: number
  bytesReceived: number
  /** Of the connections at its end; null: not known. */
  rttMs: { avg: number; min: number; max: number } | null
  lossPercent: number | null
  jitterMs: number | null
  /** Mean opinion score by the E-model, 1–4.5. */
  mos: number | null
  quality: QualityLabel
  /** Of `durationMs`, the time with a connection to anybody, and with one over a relay. */
  connectedMs: number
  relayedMs: number
  /** Connections that were lost and came back. */
  reconnections: number
}
