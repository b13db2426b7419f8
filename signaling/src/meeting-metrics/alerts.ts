import { type AlertKind, alertKinds, type LiveUser, type MeetingAlert } from '@parley/protocol'

type Rule = {
  severity: MeetingAlert['severity']
  cost: boolean
  /** Undefined: not known, so what is open stays open, and nothing opens. */
  holds(user: LiveUser, open: boolean): boolean | undefined
  value(user: LiveUser): number | null
}

/**
 * REQ-G3. What is open is resolved a little below where it opens, so that a value that wavers around its
 * bound is one alert.
 */
const rules: Record<AlertKind, Rule> = {
  latency: {
    severity: 'warning',
    cost: false,
    holds: ({ metrics: { rtt } }, open) => (rtt === null ? undefined : rtt > (open ? 270 : 300)),
    value: ({ metrics }) => metrics.rtt,
  },
  loss: {
    severity: 'warning',
    cost: false,
    holds: ({ metrics: { loss } }, open) => (loss === null ? undefined : loss > (open ? 4 : 5)),
    value: ({ metrics }) => metrics.loss,
  },
  quality: {
    severity: 'critical',
    cost: false,
    holds({ quality, metrics: { rtt, loss } }, open) {
      if (rtt === null) return undefined
      return open ? rtt >= 360 || (loss ?? 0) >= 4.5 : quality === 'poor'
    },
    value: ({ mos }) => mos,
  },
  relay: {
    severity: 'info',
    cost: true,
    holds: ({ metrics }) => metrics.relayed > 0,
    value: () => null,
  },
}

/** The alerts that are open of one participant. */
export class UserAlerts {
  /** Never changed: it is handed out with each event, and another takes its place. */
  #open: readonly MeetingAlert[]

  /** @param open what another replica had opened */
  constructor(open: readonly MeetingAlert[] = []) {
    this.#open = open
  }

  get open(): readonly MeetingAlert[] {
    return this.#open
  }

  /** What opens and what is resolved by this reading: the transitions, each said once. */
  follow(user: LiveUser): MeetingAlert[] {
    let changed: MeetingAlert[] | undefined
    for (const kind of alertKinds) {
      const { severity, cost, holds, value } = rules[kind]
      const open = this.#open.find((alert) => alert.kind === kind)
      const now = user.metrics.links === 0 ? false : holds(user, open !== undefined)
      if (now === undefined || now === (open !== undefined)) continue
      const { meetingId, userId, at } = user
      changed ??= []
      if (open) {
        changed.push({ ...open, state: 'resolved', at })
        this.#open = this.#open.filter((alert) => alert !== open)
        continue
      }
      const alert: MeetingAlert = {
        id: `${meetingId}/${userId}/${kind}`,
        ...{ meetingId, userId, kind, severity, state: 'open', since: at, at, cost },
        value: value(user),
      }
      this.#open = [...this.#open, alert]
      changed.push(alert)
    }
    return changed ?? none
  }

  /** Whoever has left has no alerts. */
  resolveAll(at: number): MeetingAlert[] {
    const resolved = this.#open.map((alert): MeetingAlert => ({ ...alert, state: 'resolved', at }))
    this.#open = []
    return resolved
  }
}

const none: MeetingAlert[] = []
