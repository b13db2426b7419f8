/** Prometheus metrics of the relay, by name. Rooms and participants are never labels. */
export const relayMetrics = {
  bytes: {
    name: 'parley_relay_bytes_total',
    help: 'Bytes relayed by TURN, as coturn counts them, by leg',
    labels: ['namespace', 'cluster', 'region', 'leg'],
  },
  allocations: {
    name: 'parley_relay_allocations',
    help: 'TURN allocations that are open now',
    labels: ['namespace', 'cluster', 'region'],
  },
  users: {
    name: 'parley_relay_users',
    help: 'Participants who hold at least one TURN allocation now',
    labels: ['namespace', 'cluster', 'region'],
  },
  cost: {
    name: 'parley_relay_cost_total',
    help: 'Cost of relaying since the store began',
    labels: ['namespace', 'cluster', 'region', 'currency'],
  },
  monthToDate: {
    name: 'parley_relay_budget_month_to_date',
    help: 'Cost of relaying since the month began (UTC)',
    labels: ['namespace', 'cluster', 'region', 'currency'],
  },
  forecast: {
    name: 'parley_relay_budget_forecast',
    help: 'What relaying is going to cost in this month (UTC), at the pace of the last 7 days',
    labels: ['namespace', 'cluster', 'region', 'currency'],
  },
  unattributedBytes: {
    name: 'parley_relay_unattributed_bytes_total',
    help: 'Relayed bytes of allocations whose username Parley did not mint',
    labels: ['namespace', 'cluster', 'region'],
  },
  subscribed: {
    name: 'parley_meter_subscribed',
    help: '1 while the meter hears what coturn publishes, else 0',
    labels: ['namespace', 'cluster', 'region'],
  },
  storeUp: {
    name: 'parley_meter_store_up',
    help: '1 while the meter can read and write its store, else 0',
    labels: ['namespace', 'cluster', 'region'],
  },
  dropped: {
    name: 'parley_meter_dropped_allocations_total',
    help: 'Ended allocations that were not kept: too many waited for a store that could not be written',
    labels: ['namespace', 'cluster', 'region'],
  },
  lateHours: {
    name: 'parley_meter_late_hours_total',
    help: 'Hours of allocations that came after those of that hour were deleted for their age, and are not in reports',
    labels: ['namespace', 'cluster', 'region'],
  },
  overflows: {
    name: 'parley_meter_overflows_total',
    help: 'Counters of coturn that would bring an allocation past 2^53 bytes, and are not counted',
    labels: ['namespace', 'cluster', 'region'],
  },
  gaps: {
    name: 'parley_meter_gaps_total',
    help: 'Times that the meter did not hear coturn: Redis was away, or ended a connection that was too slow',
    labels: ['namespace', 'cluster', 'region'],
  },
} as const

/** Metrics of meetings (REQ-A5). */
export const meetingMetrics = {
  activeParticipants: {
    name: 'video_active_participants',
    help: 'Participants in a call now; rooms beyond the busiest are summed under room_id="other"',
    labels: ['room_id'],
  },
  connectionsAttempted: {
    name: 'video_connections_attempted_total',
    help: 'Joins attempted',
    labels: [],
  },
  connectionsSuccessful: {
    name: 'video_connections_successful_total',
    help: 'Joins that reached their room',
    labels: [],
  },
} as const
