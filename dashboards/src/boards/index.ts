import type { Board } from '../board.ts'
import { callQuality } from './call-quality.ts'
import { operator } from './operator.ts'
import { overview } from './overview.ts'
import { relayAndCost } from './relay-and-cost.ts'
import { sfu } from './sfu.ts'
import { signaling } from './signaling.ts'
import { slos } from './slos.ts'
import { turn } from './turn.ts'

/** Every board, in the order of Grafana's list. */
export const boards: readonly Board[] = [
  overview,
  callQuality,
  relayAndCost,
  sfu,
  turn,
  signaling,
  operator,
  slos,
]
