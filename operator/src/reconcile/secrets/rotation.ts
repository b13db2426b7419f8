import { z } from 'zod'

/**
 * Replaces a secret that programs share, while they run, without one refusal.
 *
 * A Secret holds a list: the first entry makes credentials, every entry is accepted. Programs see a change of
 * the list at different moments, so it is changed in three steps, each of which all of them have seen before
 * the next is taken:
 *
 *     Idle        [a]      a makes credentials
 *     Introduced  [a, b]   b is accepted; after the margin everybody accepts it
 *     Rolling     [a, b]   only for readers that read once, when they start: until all of them have restarted
 *     Retiring    [b, a]   b makes credentials, a is accepted until the last credential made with it is over
 *     Idle        [b]
 *
 * The promise: while every reader sees a change within the margin, a credential is accepted by every reader from
 * when it is made until its time is up – however late a step is taken, and whatever fails in between. The margin
 * has to cover the delay of the kubelet (2 min at most), of a write on its way (30 s) and the difference between
 * the clocks of two operators that follow each other.
 *
 * The state stands in annotations of the Secret and is written together with the list, so no step is half done.
 * It holds no secret and nothing made from one. Everything here is pure.
 */

/** RFC 3339: when the entry that makes credentials now began to. */
export const ROTATED_AT_ANNOTATION = 'parley.dev/rotated-at'
/** JSON: the rest of the state. */
export const ROTATION_ANNOTATION = 'parley.dev/rotation'
/** On a MeetingCluster: a rotation on demand, once for each value. */
export const ROTATE_ANNOTATION = 'parley.dev/rotate'

export type RotationStep = 'Idle' | 'Introduced' | 'Rolling' | 'Retiring'

export interface RotationState {
  step: RotationStep
  /** Milliseconds since the epoch at which the step began. */
  since: number
  /** The step lasts this long at least. */
  holdMs: number
  /** Milliseconds since the epoch at which the first entry became the first. */
  rotatedAt: number
  /** Longest life of a credential that the first entry may have made. */
  ttlMs: number
  /** Value of the demand that was last met; empty: none yet. */
  demand: string
  /** The present rotation was demanded. */
  demanded: boolean
  /** Counts the lists that readers which read once have to restart for. */
  generation: number
}

export interface RotationPolicy {
  /** Age at which the first entry is replaced. */
  periodMs: number
  /** How long a credential that is made now is good for. */
  ttlMs: number
  /** Time within which every reader sees a change. */
  marginMs: number
  /** 0 ≤ x < 1, another one for each MeetingCluster: spreads rotations over the last tenth of the period. */
  spread: number
  /** Value of the demand; empty: none. */
  demand: string
  /**
   * For readers that read once, when they start: whether all that run now have started since the list
   * of that generation was there. Undefined where readers follow the list while they run.
   */
  rolled?: (generation: number) => boolean
}

/** What is done to the list. */
export type ListChange = 'none' | 'introduce' | 'promote' | 'retire'

export interface RotationPlan {
  state: RotationState
  change: ListChange
  /** Milliseconds until there may be something to do, if nothing else happens. */
  wakeInMs: number
}

/** The state of a list of one entry that has just been made. */
export function initialRotation(policy: RotationPolicy, now: number): RotationState {
  return {
    step: 'Idle',
    since: now,
    holdMs: 0,
    rotatedAt: now,
    ttlMs: policy.ttlMs,
    demand: policy.demand,
    demanded: false,
    generation: 0,
  }
}

/**
 * The state of a list of which nothing is known but that its first entry makes credentials: from before there
 * were rotations, or changed by hand. All entries stay until the credentials of each are over.
 * @param last what was known before the change by hand
 */
export function adoptedRotation(
  policy: RotationPolicy,
  now: number,
  last?: RotationState,
): RotationState {
  const ttlMs = Math.max(policy.ttlMs, last?.ttlMs ?? 0)
  return {
    ...initialRotation(policy, now),
    step: 'Retiring',
    holdMs: policy.marginMs + ttlMs,
    ttlMs,
    demand: last?.demand ?? '',
    generation: last ? last.generation + 1 : 0,
  }
}

/** What to do now. At most one step at a time; undefined as state means {@link adoptedRotation}. */
export function planRotation(
  known: RotationState | undefined,
  policy: RotationPolicy,
  now: number,
): RotationPlan {
  const state = prepare(known ?? adoptedRotation(policy, now), policy, now)
  const plan = (change: ListChange, next: RotationState): RotationPlan => ({
    change,
    state: next,
    wakeInMs: wakeIn(next, policy, now),
  })
  if (now < dueAt(state, policy)) return plan('none', state)
  const begin = (step: RotationStep, holdMs: number) => ({ ...state, step, holdMs, since: now })
  const promoted = () => ({
    ...begin('Retiring', policy.marginMs + state.ttlMs),
    rotatedAt: now,
    // Credentials with a longer life than this were made with the entry before, and are over when it goes.
    ttlMs: policy.ttlMs,
  })
  switch (state.step) {
    case 'Idle':
      return plan('introduce', {
        ...begin('Introduced', policy.marginMs),
        demand: policy.demand || state.demand,
        demanded: isDemanded(state, policy),
      })
    case 'Introduced':
      if (!policy.rolled) return plan('promote', promoted())
      return plan('none', { ...begin('Rolling', 0), generation: state.generation + 1 })
    case 'Rolling':
      if (policy.rolled && !policy.rolled(state.generation)) return plan('none', state)
      return plan('promote', promoted())
    case 'Retiring': {
      // Who demands a rotation wants the old one gone for good, also where it was read once.
      const again = policy.rolled !== undefined && state.demanded
      return plan('retire', {
        ...begin('Idle', 0),
        demanded: false,
        generation: state.generation + (again ? 1 : 0),
      })
    }
  }
}

/** The list after a change. @param fresh makes an entry */
export function changeList(
  list: readonly string[],
  change: ListChange,
  fresh: () => string,
): string[] {
  const [first = fresh(), ...others] = list
  switch (change) {
    case 'introduce':
      return [first, ...others, fresh()]
    case 'promote': {
      const last = others.at(-1)
      return last === undefined ? [first] : [last, first, ...others.slice(0, -1)]
    }
    case 'retire':
      return [first]
    case 'none':
      return [first, ...others]
  }
}

/** A clock that is further behind is taken for the right one, or a state from 2100 would never end. */
const MOST_BEHIND_MS = 24 * 3_600_000

/** What holds whatever is due: a credential may live longer than before, and a clock may have been wrong. */
function prepare(state: RotationState, policy: RotationPolicy, now: number): RotationState {
  const ttlMs = Math.max(state.ttlMs, policy.ttlMs)
  // Nothing begins in the future. Waiting once more is always safe, and for as long as the clock may be behind: which
  // of the two was wrong, the one before or this one, nobody knows.
  const latest = now + policy.marginMs
  const rotatedAt = state.rotatedAt > latest ? now : state.rotatedAt
  if (state.since <= latest) return { ...state, ttlMs, rotatedAt }
  const holdMs = state.holdMs + Math.min(state.since - now, MOST_BEHIND_MS)
  return { ...state, ttlMs, rotatedAt, since: now, holdMs }
}

function isDemanded(state: RotationState, { demand }: RotationPolicy): boolean {
  return demand !== '' && demand !== state.demand
}

function dueAt(state: RotationState, policy: RotationPolicy): number {
  if (state.step !== 'Idle') return state.since + state.holdMs
  if (isDemanded(state, policy)) return state.since
  return state.rotatedAt + policy.periodMs * (1 - policy.spread / 10)
}

/** How often to look whether pods have restarted, which they also tell by themselves. */
const ROLL_CHECK_MS = 15_000

function wakeIn(state: RotationState, policy: RotationPolicy, now: number): number {
  const due = dueAt(state, policy) - now
  if (due > 0) return Math.ceil(due)
  return state.step === 'Rolling' ? Math.min(ROLL_CHECK_MS, policy.marginMs) : 0
}

const time = z.iso.datetime().transform((text) => Date.parse(text))
const milliseconds = z.number().nonnegative()
const annotation = z.object({
  step: z.enum(['Idle', 'Introduced', 'Rolling', 'Retiring']),
  since: time,
  holdSeconds: milliseconds,
  ttlSeconds: milliseconds,
  demand: z.string(),
  demanded: z.boolean(),
  generation: z.int().nonnegative(),
})

/** The annotations that say a state. */
export function rotationAnnotations(state: RotationState): Record<string, string> {
  return {
    [ROTATED_AT_ANNOTATION]: new Date(state.rotatedAt).toISOString(),
    [ROTATION_ANNOTATION]: JSON.stringify({
      step: state.step,
      since: new Date(state.since).toISOString(),
      holdSeconds: state.holdMs / 1000,
      ttlSeconds: state.ttlMs / 1000,
      demand: state.demand,
      demanded: state.demanded,
      generation: state.generation,
    }),
  }
}

/** What annotations said that are asked time and again. */
const states = new WeakMap<object, { state: Readonly<RotationState> | undefined }>()

/**
 * The state that annotations say; undefined where they say none that can be read. Nobody may change them afterwards:
 * they are read once.
 */
export function rotationOf(
  annotations: Readonly<Record<string, string>> | undefined,
): Readonly<RotationState> | undefined {
  if (!annotations) return undefined
  let known = states.get(annotations)
  if (!known) {
    known = { state: readRotation(annotations) }
    states.set(annotations, known)
  }
  return known.state
}

function readRotation(annotations: Readonly<Record<string, string>>): RotationState | undefined {
  // Most Secrets are not rotated, and to fail to read them is dear.
  const text = annotations[ROTATION_ANNOTATION]
  if (text === undefined) return undefined
  const rotatedAt = time.safeParse(annotations[ROTATED_AT_ANNOTATION])
  const rest = annotation.safeParse(parseJson(text))
  if (!rotatedAt.success || !rest.success) return undefined
  const { holdSeconds, ttlSeconds, ...others } = rest.data
  return {
    ...others,
    holdMs: holdSeconds * 1000,
    ttlMs: ttlSeconds * 1000,
    rotatedAt: rotatedAt.data,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
