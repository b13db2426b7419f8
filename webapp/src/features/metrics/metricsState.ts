import type { UserMetrics } from '@parley/protocol'
import type { ConnectionMetrics } from './connectionMetrics.ts'

export type MetricsState = {
  /** By participant; empty while monitoring is off. */
  links: Readonly<Record<string, ConnectionMetrics>>
  /** All connections together; null: not measured (yet). */
  user: UserMetrics | null
}

export const initialMetrics: MetricsState = { links: {}, user: null }
