/** A metric as its process registers it, and as docs/metrics.md lists it. */
export type Metric = {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  /** What one of it is. */
  unit: string
  help: string
  labels: readonly string[]
}

/** The meter's, of the relay. Rooms and participants are never labels. */
export const relayMetrics = {
  bytes: {
    name: 'parley_relay_bytes_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Bytes relayed by TURN, as coturn counts them, by leg',
    labels: ['namespace', 'cluster', 'region', 'leg'],
  },
  allocations: {
    name: 'parley_relay_allocations',
    type: 'gauge',
    unit: 'allocations',
    help: 'TURN allocations that are open now',
    labels: ['namespace', 'cluster', 'region'],
  },
  users: {
    name: 'parley_relay_users',
    type: 'gauge',
    unit: 'people',
    help: 'Participants on a relay now: who hold a TURN allocation, but for those whose pages say that they use none',
    labels: ['namespace', 'cluster', 'region'],
  },
  cost: {
    name: 'parley_relay_cost_total',
    type: 'counter',
    unit: 'currency',
    help: 'Cost of relaying since the store began',
    labels: ['namespace', 'cluster', 'region', 'currency'],
  },
  monthToDate: {
    name: 'parley_relay_budget_month_to_date',
    type: 'gauge',
    unit: 'currency',
    help: 'Cost of relaying since the month began (UTC)',
    labels: ['namespace', 'cluster', 'region', 'currency'],
  },
  forecast: {
    name: 'parley_relay_budget_forecast',
    type: 'gauge',
    unit: 'currency',
    help: 'What relaying is going to cost in this month (UTC), at the pace of the last 7 days',
    labels: ['namespace', 'cluster', 'region', 'currency'],
  },
  unattributedBytes: {
    name: 'parley_relay_unattributed_bytes_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Relayed bytes of allocations whose username Parley did not mint',
    labels: ['namespace', 'cluster', 'region'],
  },
  subscribed: {
    name: 'parley_meter_subscribed',
    type: 'gauge',
    unit: '0 or 1',
    help: '1 while the meter hears what coturn publishes, else 0',
    labels: ['namespace', 'cluster', 'region'],
  },
  storeUp: {
    name: 'parley_meter_store_up',
    type: 'gauge',
    unit: '0 or 1',
    help: '1 while the meter can read and write its store, else 0',
    labels: ['namespace', 'cluster', 'region'],
  },
  dropped: {
    name: 'parley_meter_dropped_allocations_total',
    type: 'counter',
    unit: 'allocations',
    help: 'Ended allocations that were not kept: too many waited for a store that could not be written',
    labels: ['namespace', 'cluster', 'region'],
  },
  lateHours: {
    name: 'parley_meter_late_hours_total',
    type: 'counter',
    unit: 'hours',
    help: 'Hours of allocations that came after those of that hour were deleted for their age, and are not in reports',
    labels: ['namespace', 'cluster', 'region'],
  },
  overflows: {
    name: 'parley_meter_overflows_total',
    type: 'counter',
    unit: 'counters',
    help: 'Counters of coturn that would bring an allocation past 2^53 bytes, and are not counted',
    labels: ['namespace', 'cluster', 'region'],
  },
  gaps: {
    name: 'parley_meter_gaps_total',
    type: 'counter',
    unit: 'times',
    help: 'Times that the meter did not hear coturn: Redis was away, or ended a connection that was too slow',
    labels: ['namespace', 'cluster', 'region'],
  },
} as const satisfies Record<string, Metric>

/** Of what servers do, on its way to the store (REQ-H2): the first are signaling's, the others the meter's. */
export const trafficMetrics = {
  requests: {
    name: 'parley_http_requests_total',
    type: 'counter',
    unit: 'requests',
    help: 'Requests that were answered, by the template of their route',
    labels: ['method', 'route', 'status'],
  },
  bytes: {
    name: 'parley_http_bytes_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Bodies of requests, and of answers',
    labels: ['method', 'route', 'direction'],
  },
  unsent: {
    name: 'parley_traffic_unsent_batches',
    type: 'gauge',
    unit: 'batches',
    help: 'Seconds of traffic that this replica keeps until the meter has stored them',
    labels: [],
  },
  dropped: {
    name: 'parley_traffic_dropped_total',
    type: 'counter',
    unit: 'requests',
    help: 'Requests and samples that are not in the history: METRICS_BUFFER_SIZE batches waited already',
    labels: [],
  },
  batches: {
    name: 'parley_traffic_batches_total',
    type: 'counter',
    unit: 'batches',
    help: 'Seconds of traffic of a replica that the meter stored, knew already, or did not understand',
    labels: ['namespace', 'cluster', 'region', 'result'],
  },
  waiting: {
    name: 'parley_traffic_waiting_batches',
    type: 'gauge',
    unit: 'batches',
    help: 'Seconds of traffic that wait in Redis to be taken, and to be stored',
    labels: ['namespace', 'cluster', 'region', 'where'],
  },
  skewed: {
    name: 'parley_traffic_skewed_total',
    type: 'counter',
    unit: 'requests',
    help: 'Requests and samples of a replica whose clock is wrong: they are counted when they came',
    labels: ['namespace', 'cluster', 'region'],
  },
  writes: {
    name: 'parley_traffic_writes_total',
    type: 'counter',
    unit: 'statements',
    help: 'Statements that wrote traffic to the SQL store',
    labels: ['namespace', 'cluster', 'region'],
  },
} as const satisfies Record<string, Metric>

/** Metrics of meetings (REQ-A5). */
export const meetingMetrics = {
  activeParticipants: {
    name: 'video_active_participants',
    type: 'gauge',
    unit: 'people',
    help: 'Participants in a call now; rooms beyond the busiest are summed under room_id="other"',
    labels: ['room_id'],
  },
  connectionsAttempted: {
    name: 'video_connections_attempted_total',
    type: 'counter',
    unit: 'joins',
    help: 'Joins attempted',
    labels: [],
  },
  connectionsSuccessful: {
    name: 'video_connections_successful_total',
    type: 'counter',
    unit: 'joins',
    help: 'Joins that reached their room',
    labels: [],
  },
} as const satisfies Record<string, Metric>

/** The signaling server's own: what a replica holds now. */
export const signalingMetrics = {
  sockets: {
    name: 'parley_signaling_sockets',
    type: 'gauge',
    unit: 'sockets',
    help: 'Sockets that are connected to this replica',
    labels: [],
  },
  rooms: {
    name: 'parley_signaling_rooms',
    type: 'gauge',
    unit: 'rooms',
    help: 'Rooms with a participant on this replica',
    labels: [],
  },
  roomShares: {
    name: 'parley_signaling_room_shares',
    type: 'gauge',
    unit: 'rooms',
    help: 'Rooms, each by the share of its participants on this replica: summed up, the rooms there are',
    labels: [],
  },
  participants: {
    name: 'parley_signaling_participants',
    type: 'gauge',
    unit: 'people',
    help: 'Participants whose sockets this replica holds',
    labels: [],
  },
} as const satisfies Record<string, Metric>

/** What pages say of their own calls, as the metrics gateway of a replica has it (REQ-A5, A6). */
export const clientMetrics = {
  participants: {
    name: 'parley_client_participants',
    type: 'gauge',
    unit: 'people',
    help: 'Participants whose pages report to this replica, by the quality of their call now',
    labels: ['quality'],
  },
  relayed: {
    name: 'parley_client_relayed_participants',
    type: 'gauge',
    unit: 'people',
    help: 'Those of them with a connection over a relay now; of all of them: the relay share',
    labels: [],
  },
  alerts: {
    name: 'parley_client_alerts',
    type: 'gauge',
    unit: 'alerts',
    help: 'Alerts of participants that are open now',
    labels: ['kind'],
  },
  latency: {
    name: 'video_connection_latency_ms',
    type: 'histogram',
    unit: 'milliseconds',
    help: 'Round trips of participants, one a minute of each; buckets 50, 100, 200, 500, 1000, 2000',
    labels: [],
  },
  slowMinutes: {
    name: 'parley_client_slow_minutes_total',
    type: 'counter',
    unit: 'minutes',
    help: 'Of the minutes of participants in video_connection_latency_ms, those of 150 ms and more',
    labels: [],
  },
  loss: {
    name: 'parley_client_loss_percent',
    type: 'histogram',
    unit: 'per cent',
    help: 'Packets that did not arrive at participants, one figure a minute of each',
    labels: [],
  },
  mos: {
    name: 'parley_client_mos',
    type: 'histogram',
    unit: 'MOS',
    help: 'Mean opinion score by the E-model, from 1 to 4.5, one a minute of each participant',
    labels: [],
  },
  callSeconds: {
    name: 'parley_client_call_seconds_total',
    type: 'counter',
    unit: 'seconds',
    help: 'Time that participants were connected to somebody: their time in voice',
    labels: [],
  },
  relayedSeconds: {
    name: 'parley_client_relayed_seconds_total',
    type: 'counter',
    unit: 'seconds',
    help: 'Part of that time with a connection over a relay',
    labels: [],
  },
  connectSeconds: {
    name: 'parley_client_connect_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'From the beginning of a link to its media connection, to about a second: buckets 1, 2, 3, 5, 10, 15, 30',
    labels: [],
  },
  iceErrors: {
    name: 'parley_client_ice_errors_total',
    type: 'counter',
    unit: 'errors',
    help: 'STUN and TURN servers that did not answer a page, refused its credentials, or were full',
    labels: ['transport', 'kind'],
  },
  reconnections: {
    name: 'parley_client_reconnections_total',
    type: 'counter',
    unit: 'times',
    help: 'Connections of participants that were lost and came back',
    labels: [],
  },
  events: {
    name: 'parley_client_events_total',
    type: 'counter',
    unit: 'events',
    help: 'Events of pages, by what became of them: merged, repeated, or a gap before them',
    labels: ['outcome'],
  },
  refused: {
    name: 'parley_client_events_refused_total',
    type: 'counter',
    unit: 'events',
    help: 'Events that were not taken, by the code of the refusal',
    labels: ['code'],
  },
  waiting: {
    name: 'parley_client_states_waiting',
    type: 'gauge',
    unit: 'states',
    help: 'Live states that wait to be written to Redis',
    labels: [],
  },
  dropped: {
    name: 'parley_client_dropped_total',
    type: 'counter',
    unit: 'messages',
    help: 'What was dropped while Redis was away: live states, updates for admins of other replicas, and minutes and links of the last hour of participants',
    labels: ['what'],
  },
} as const satisfies Record<string, Metric>

const queue = ['name', 'controller'] as const

/** The operator's, by controller-runtime's names, so that existing boards and alerts work. */
export const operatorMetrics = {
  reconcileTotal: {
    name: 'controller_runtime_reconcile_total',
    type: 'counter',
    unit: 'passes',
    help: 'Total number of reconciliations per controller',
    labels: ['controller', 'result'],
  },
  reconcileErrors: {
    name: 'controller_runtime_reconcile_errors_total',
    type: 'counter',
    unit: 'passes',
    help: 'Total number of reconciliation errors per controller',
    labels: ['controller'],
  },
  reconcileSeconds: {
    name: 'controller_runtime_reconcile_time_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Length of time per reconciliation per controller',
    labels: ['controller'],
  },
  activeWorkers: {
    name: 'controller_runtime_active_workers',
    type: 'gauge',
    unit: 'workers',
    help: 'Number of currently used workers per controller',
    labels: ['controller'],
  },
  maxConcurrentReconciles: {
    name: 'controller_runtime_max_concurrent_reconciles',
    type: 'gauge',
    unit: 'workers',
    help: 'Maximum number of concurrent reconciles per controller',
    labels: ['controller'],
  },
  queueDepth: {
    name: 'workqueue_depth',
    type: 'gauge',
    unit: 'items',
    help: 'Current depth of workqueue',
    labels: queue,
  },
  queueAdds: {
    name: 'workqueue_adds_total',
    type: 'counter',
    unit: 'items',
    help: 'Total number of adds handled by workqueue',
    labels: queue,
  },
  queueRetries: {
    name: 'workqueue_retries_total',
    type: 'counter',
    unit: 'items',
    help: 'Total number of retries handled by workqueue',
    labels: queue,
  },
  queueSeconds: {
    name: 'workqueue_queue_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'How long in seconds an item stays in workqueue before being requested',
    labels: queue,
  },
  workSeconds: {
    name: 'workqueue_work_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'How long in seconds processing an item from workqueue takes',
    labels: queue,
  },
  unfinishedSeconds: {
    name: 'workqueue_unfinished_work_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'How many seconds of work is in progress and has not been observed by work_duration',
    labels: queue,
  },
  longestRunningSeconds: {
    name: 'workqueue_longest_running_processor_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'How many seconds the longest running worker has been running',
    labels: queue,
  },
  leader: {
    name: 'leader_election_master_status',
    type: 'gauge',
    unit: '0 or 1',
    help: 'Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master',
    labels: ['name'],
  },
  requests: {
    name: 'rest_client_requests_total',
    type: 'counter',
    unit: 'requests',
    help: 'Number of HTTP requests, partitioned by status code, method, and host',
    labels: ['code', 'method', 'host'],
  },
  certificateExpiry: {
    name: 'parley_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds since 1970',
    help: 'When a certificate ends that a MeetingCluster names, or has issued, by its Secret',
    // A scrape has a label `namespace` of its own, which says where the operator is.
    labels: ['cluster_namespace', 'cluster', 'secret', 'used_by'],
  },
} as const satisfies Record<string, Metric>

/** Of LiveKit's own, those that boards and autoscaling look at. Each also carries node_id and node_type. */
export const sfuMetrics = {
  rooms: {
    name: 'livekit_room_total',
    type: 'gauge',
    unit: 'rooms',
    help: 'Rooms on this SFU pod',
    labels: [],
  },
  participants: {
    name: 'livekit_participant_total',
    type: 'gauge',
    unit: 'people',
    help: 'Participants on this SFU pod',
    labels: [],
  },
  tracksPublished: {
    name: 'livekit_track_published_total',
    type: 'gauge',
    unit: 'tracks',
    help: 'Tracks that participants send to this pod now',
    labels: ['kind'],
  },
  tracksSubscribed: {
    name: 'livekit_track_subscribed_total',
    type: 'gauge',
    unit: 'tracks',
    help: 'Tracks that this pod sends to participants now',
    labels: ['kind'],
  },
  bytes: {
    name: 'livekit_packet_bytes',
    type: 'counter',
    unit: 'bytes',
    help: 'Media that goes in and out',
    labels: ['direction', 'transmission', 'country'],
  },
  packets: {
    name: 'livekit_packet_total',
    type: 'counter',
    unit: 'packets',
    help: 'Packets that go in and out',
    labels: ['direction', 'transmission', 'country'],
  },
  packetsLost: {
    name: 'livekit_packet_loss_total',
    type: 'counter',
    unit: 'packets',
    help: 'Packets of tracks that did not arrive',
    labels: ['direction', 'source', 'type', 'country'],
  },
  rtt: {
    name: 'livekit_rtt_ms',
    type: 'histogram',
    unit: 'milliseconds',
    help: 'Round trips between this pod and participants; buckets 50, 100, 150, 200, 250, 500 and on',
    labels: ['direction', 'source', 'type', 'country'],
  },
  jitter: {
    name: 'livekit_jitter_us',
    type: 'histogram',
    unit: 'microseconds',
    help: 'Jitter of tracks',
    labels: ['direction', 'source', 'type', 'country'],
  },
  quality: {
    name: 'livekit_quality_score',
    type: 'histogram',
    unit: 'MOS',
    help: 'How good LiveKit finds the tracks that participants send, from 1 to 4.5',
    labels: [],
  },
} as const satisfies Record<string, Metric>
