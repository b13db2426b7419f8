/** Calls that go on while things are done to the stack, and how video came meanwhile. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Freeze, type Guest, LiveCall } from '../call.ts'
import { browserFirst } from './browser-first.ts'
import type { Meeting } from './meeting.ts'
import { ProcessWatch } from './processes.ts'

/** Two in a mesh who can only reach each other through TURN. */
export const pair: readonly Guest[] = [
  { name: 'Ada', relay: true },
  { name: 'Grace', relay: true },
]
/** One more than the mesh takes, so that they meet on the SFU; one of them through TURN. */
export const forum: readonly Guest[] = [
  { name: 'Linh', relay: false },
  { name: 'Noor', relay: true },
  { name: 'Tove', relay: false },
]

const everybody = { pair, forum }

/** What a change did to the calls that went on through it. */
export type Outcome = { call: string; guest: string; missing: number; freezes: Explained[] }[]

/** With who used the processors meanwhile, if it was long. */
type Explained = Freeze & { meanwhile?: string }

/** Videos that stand still for longer want to be explained. */
const NOTEWORTHY_MS = 1_000

/** Video may stand still this long, no longer. */
export const longestFreezeMs = 2_000

/** Who saw somebody too few, or somebody stand still for longer than that or altogether; empty is as it should be. */
export function standing(outcome: Outcome, longestMs: number): Outcome {
  return outcome.filter(
    ({ missing, freezes }) =>
      missing !== 0 ||
      freezes.some((freeze) => freeze.longestMs > longestMs || freeze.framesDecoded === 0),
  )
}

/** A relayed call and one on the SFU, held while things are done to the stack. */
export class Calls {
  readonly #label: string
  readonly #calls: ReadonlyMap<string, LiveCall>

  private constructor(label: string, calls: ReadonlyMap<string, LiveCall>) {
    this.#label = label
    this.#calls = calls
  }

  /**
   * @param label tells the rooms from those of other calls
   * @param who of each call; where only one is concerned, the processors have less to do without the other
   */
  static async start(
    { url, browser }: Meeting,
    label: string,
    who: Partial<typeof everybody> = everybody,
  ): Promise<Calls> {
    const calls = new Map<string, LiveCall>()
    const begun = await Promise.allSettled(
      Object.entries(who).map(async ([kind, guests]) => {
        calls.set(kind, await LiveCall.start({ url, browser, room: roomOf(kind, label), guests }))
      }),
    )
    const failed = begun.find((one) => one.status === 'rejected')
    browserFirst()
    if (!failed) return new Calls(label, calls)
    for (const call of calls.values()) await call.close()
    throw failed.reason
  }

  /** In which one of these calls is. */
  room(kind: keyof typeof everybody): string {
    return roomOf(kind, this.#label)
  }

  /** Does something to the stack, lets the calls go on for a while after it, and says how video came meanwhile. */
  async during(label: string, change: () => Promise<void>, settleMs = 5_000): Promise<Outcome> {
    const processes = new ProcessWatch()
    try {
      processes.start()
      for (const call of this.#calls.values()) await call.resetFreezes()
      await change()
      await delay(settleMs)
      const outcome: Outcome = []
      for (const [kind, call] of this.#calls) {
        const freezes = await call.freezes()
        for (const [index, guest] of call.guests.entries()) {
          const seen = (freezes[index] ?? []).map((freeze) => explained(freeze, processes))
          const missing = call.guests.length - 1 - seen.length
          outcome.push({ call: kind, guest: guest.name, missing, freezes: seen })
        }
      }
      tell(label, outcome)
      return outcome
    } finally {
      processes.stop()
    }
  }

  /** Everybody leaves by the button. */
  async leave(): Promise<void> {
    await Promise.all([...this.#calls.values()].map((call) => call.leave()))
    await this.close()
  }

  /** Ends them without a word. */
  async close(): Promise<void> {
    for (const call of this.#calls.values()) await call.close()
  }
}

const roomOf = (kind: string, label: string) => `${kind}-${label}`

function explained(freeze: Freeze, processes: ProcessWatch): Explained {
  const { seenMs, longestMs } = freeze
  if (longestMs < NOTEWORTHY_MS) return freeze
  return { ...freeze, meanwhile: processes.during(seenMs - longestMs, seenMs) }
}

/** The longest of each call in seconds, as they stand in docs/scorecard.md. */
function tell(label: string, outcome: Outcome): void {
  const all = (call: string) => outcome.flatMap((one) => (one.call === call ? one.freezes : []))
  for (const call of new Set(outcome.map((one) => one.call))) {
    const worst = all(call).sort((a, b) => b.longestMs - a.longestMs)[0]
    const seconds = ((worst?.longestMs ?? Number.NaN) / 1000).toFixed(2)
    process.stderr.write(`${label}, ${call}: ${seconds} s ${worst?.meanwhile ?? ''}\n`)
  }
}
