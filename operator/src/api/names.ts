/** The resource's coordinates, and the vocabulary of its status. */
export const GROUP = 'parley.dev'
export const VERSION = 'v1alpha1'
export const API_VERSION = `${GROUP}/${VERSION}`
export const KIND = 'MeetingCluster'
export const PLURAL = 'meetingclusters'
export const REPORT_KIND = 'RelayCostReport'
export const REPORT_PLURAL = 'relaycostreports'

/** The parts of a meeting stack, in the order in which they are reported. */
export const COMPONENTS = ['turn', 'sfu', 'signaling', 'webapp', 'redis', 'meter'] as const
export type Component = (typeof COMPONENTS)[number]

/** Participants of the largest room that can be asked to do without an SFU. */
export const LARGEST_MESH = 8

/**
 * Condition types. Ready, Reconciling and Stalled follow kstatus: Reconciling and Stalled are
 * abnormal-true, and at most one of the two is true.
 */
export const CONDITION = {
  Ready: 'Ready',
  Reconciling: 'Reconciling',
  Stalled: 'Stalled',
  TurnReady: 'TurnReady',
  SfuReady: 'SfuReady',
  SignalingReady: 'SignalingReady',
  WebappReady: 'WebappReady',
  RedisReady: 'RedisReady',
  MeterReady: 'MeterReady',
  /** Of a MeetingCluster with an external Redis: coturn can report to it. */
  RelayMetered: 'RelayMetered',
  /** Of a MeetingCluster with a budget: the month has cost more already, or is going to. */
  BudgetExceeded: 'BudgetExceeded',
  BudgetForecast: 'BudgetForecast',
} as const
export type ConditionType = (typeof CONDITION)[keyof typeof CONDITION]

/** The condition that speaks for a component. */
export const COMPONENT_CONDITION: Readonly<Record<Component, ConditionType>> = {
  turn: CONDITION.TurnReady,
  sfu: CONDITION.SfuReady,
  signaling: CONDITION.SignalingReady,
  webapp: CONDITION.WebappReady,
  redis: CONDITION.RedisReady,
  meter: CONDITION.MeterReady,
}

/** Reasons of conditions and events: one word for each cause a reader can act on. */
export const REASON = {
  /** Everything wanted is there and ready. */
  Available: 'Available',
  /** Not part of this MeetingCluster (webapp.enabled false, sfu.engine None, redis External). */
  Disabled: 'Disabled',
  /** Pods are starting, or a new version is rolling out. */
  Progressing: 'Progressing',
  /** Some pods are ready, fewer than wanted. */
  Degraded: 'Degraded',
  /** No ready TURN pod with an address that clients can reach. */
  WaitingForTurnAddress: 'WaitingForTurnAddress',
  /** An SFU pod is on a node without an address that clients can reach. */
  WaitingForSfuAddress: 'WaitingForSfuAddress',
  /** A certificate that the spec names is missing, expired or not for its name; TURN without TLS goes on. */
  TLSInvalid: 'TLSInvalid',
  /** A component waits for another one. */
  WaitingForDependency: 'WaitingForDependency',
  /** This version cannot deploy the SFU engine asked for. */
  EngineNotAvailable: 'EngineNotAvailable',
  /** The spec cannot be carried out as it stands. */
  InvalidSpec: 'InvalidSpec',
  /** A Secret or ConfigMap that the spec names is missing, or lacks a key. */
  MissingReference: 'MissingReference',
  /** An object of the wanted name belongs to somebody else. */
  NameConflict: 'NameConflict',
  /** The operator may not do what it has to: verb and resource are in the message. */
  Forbidden: 'Forbidden',
  /** A ResourceQuota of the namespace is used up: which one is in the message. */
  QuotaExceeded: 'QuotaExceeded',
  /** No node takes a pod: what the scheduler says is in the message. */
  Unschedulable: 'Unschedulable',
  /** New pods of a component do not come up, and those of others wait for it. */
  RolloutPaused: 'RolloutPaused',
  /** The cost of the month, or what it is going to be, is within the budget, or above it. */
  WithinBudget: 'WithinBudget',
  OverBudget: 'OverBudget',
  /** The operator itself failed on this MeetingCluster: a mistake of ours, which its log has. */
  InternalError: 'InternalError',
  /** Relays go on, and what they relay is not counted: coturn cannot reach the Redis of the spec. */
  RelayUnmetered: 'RelayUnmetered',
  /** LiveKit of another MeetingCluster is on the same Redis, where their rooms would meet. */
  RedisShared: 'RedisShared',
  /** The API server refused an object, or did not answer. */
  ApplyFailed: 'ApplyFailed',
} as const
export type Reason = (typeof REASON)[keyof typeof REASON]
