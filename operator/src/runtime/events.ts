import type { Logger } from 'pino'
import type { ApiClient } from './client.ts'
import type { Clock } from './clock.ts'
import { microTime } from './leader.ts'
import { apiVersionOf, EVENTS, type K8sObject, type Resource } from './resources.ts'

export interface EventNote {
  type: 'Normal' | 'Warning'
  /** CamelCase, for machines. */
  reason: string
  /** What was done, CamelCase. */
  action: string
  /** For people. Never a secret. */
  note: string
}

export interface EventRecorderOptions {
  client: Pick<ApiClient, 'create'>
  /** Which operator: its Pod's name. */
  instance: string
  clock: Clock
  log: Logger
}

/** The API server refuses longer notes, and counts bytes. */
const NOTE_MAX_BYTES = 1024

/** Events on an object, for `kubectl describe`. Callers record transitions only, so there is no aggregation. */
export class EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #underWay = new Set<Promise<void>>()
  #sequence = 0

  constructor(options: EventRecorderOptions) {
    this.#options = options
  }

  /** Does not wait: an event is a courtesy, and reconciling goes on without it. */
  record(resource: Resource, object: K8sObject, event: EventNote): void {
    const { client, instance, clock, log } = this.#options
    const { name, namespace = 'default', uid } = object.metadata
    const now = clock.now()
    const body = {
      apiVersion: apiVersionOf(EVENTS),
      kind: 'Event',
      metadata: {
        name: `${name}.${now.toString(16)}.${(this.#sequence++).toString(16)}`,
        namespace,
      },
      eventTime: microTime(now),
      reportingController: 'parley.dev/manager',
      reportingInstance: instance,
      action: event.action,
      reason: event.reason,
      type: event.type,
      note: within(event.note, NOTE_MAX_BYTES),
      regarding: { apiVersion: apiVersionOf(resource), kind: resource.kind, name, namespace, uid },
    }
    const recorded = client.create(EVENTS, namespace, body).then(
      () => {},
      (error: Error) =>
        log.debug({ reason: event.reason, error: error.message }, 'event not recorded'),
    )
    this.#underWay.add(recorded)
    void recorded.finally(() => this.#underWay.delete(recorded))
  }

  /** Resolves when all that was recorded is there, or given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }
}

/** Cut between two characters. */
function within(text: string, maxBytes: number): string {
  const bytes = new Uint8Array(maxBytes)
  const { read } = new TextEncoder().encodeInto(text, bytes)
  return text.slice(0, read)
}
