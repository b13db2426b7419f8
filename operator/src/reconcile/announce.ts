import type { Logger } from 'pino'
import { CONDITION, type MeetingCluster, type MeetingClusterStatus } from '../api/index.ts'
import type { EventRecorder } from '../runtime/events.ts'
import { type K8sObject, MEETING_CLUSTERS } from '../runtime/resources.ts'
import { transitions } from './conditions.ts'
import type { RotationChange } from './secrets/secrets.ts'

/** What people and machines are told of a change: an event, and a line in the log. */
export interface Audience {
  events: Pick<EventRecorder, 'record'>
  log: Logger
}

const ANNOUNCED: ReadonlySet<string> = new Set([
  CONDITION.Ready,
  CONDITION.Stalled,
  CONDITION.BudgetExceeded,
  CONDITION.BudgetForecast,
  CONDITION.RelayMetered,
])
/** Those that are as they should be when they are true. */
const GOOD: ReadonlySet<string> = new Set([CONDITION.Ready, CONDITION.RelayMetered])

/** One event and one line for each change of the conditions that people act on. */
export function announceConditions(
  { events, log }: Audience,
  cluster: MeetingCluster & K8sObject,
  { conditions = [] }: MeetingClusterStatus,
): void {
  const before = cluster.status?.conditions ?? []
  for (const { type, status, reason, message } of transitions(before, conditions)) {
    const known = before.some((each) => each.type === type && each.status !== 'Unknown')
    const good = GOOD.has(type) ? status === 'True' : status === 'False'
    if (!ANNOUNCED.has(type)) continue
    // That a new one is not ready yet is no news.
    if (!known && (type === CONDITION.Ready ? !good : good)) continue
    if (status === 'Unknown') continue
    const { namespace, name } = cluster.metadata
    log.info({ namespace, name, condition: type, status, reason }, 'condition changed')
    events.record(MEETING_CLUSTERS, cluster, {
      type: good ? 'Normal' : 'Warning',
      reason: good && type === CONDITION.Ready ? 'Ready' : reason,
      action: 'Reconcile',
      note: message || `${type} is ${status}`,
    })
  }
}

/** One event and one line for each step of a rotation. No word of what the Secret holds. */
export function announceRotation(
  { events, log }: Audience,
  cluster: MeetingCluster & K8sObject,
  { secret, change }: RotationChange,
): void {
  const { namespace, name } = cluster.metadata
  const said = ROTATION_EVENTS[change]
  if (!said) return
  log.info({ namespace, name, secret: secret.name, change }, 'secret rotation')
  events.record(MEETING_CLUSTERS, cluster, {
    type: 'Normal',
    reason: said.reason,
    action: 'RotateSecret',
    note: `${secret.title} in Secret ${secret.name}: ${said.note}`,
  })
}

const ROTATION_EVENTS: Readonly<
  Record<RotationChange['change'], { reason: string; note: string } | undefined>
> = {
  none: undefined,
  introduce: {
    reason: 'SecretRotationStarted',
    note: 'a new one is accepted; it will be used once every pod knows it',
  },
  promote: {
    reason: 'SecretRotated',
    note: 'the new one is used; the old one is accepted until all that was made with it is over',
  },
  retire: { reason: 'SecretRetired', note: 'the old one is accepted no more' },
}
