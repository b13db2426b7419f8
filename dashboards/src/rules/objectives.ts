import { meetingMetrics, sfuMetrics } from '@parley/protocol'

/** What is promised (REQ-S4), as a share of good events, and how both are counted. */
export type Objective = {
  id: string
  title: string
  /** Share of good events, 0 to 1. */
  goal: number
  /** One sentence: what counts as bad. */
  means: string
  /** PromQL of bad events and of all over a range, both by namespace and cluster. */
  bad(range: string, selector: string): string
  all(range: string, selector: string): string
}

const by = 'sum by (namespace, cluster)'
const { connectionsAttempted, connectionsSuccessful } = meetingMetrics
const { rtt, packets, packetsLost } = sfuMetrics
const perSecond = (series: string, range: string, selector: string, more = '') =>
  `${by} (rate(${series}{${[selector, more].filter(Boolean).join(',')}}[${range}]))`

export const objectives: readonly Objective[] = [
  {
    id: 'joins',
    title: 'Joins succeed',
    goal: 0.98,
    means: 'Bad: a join that did not reach its room.',
    bad: (range, selector) =>
      `(${perSecond(connectionsAttempted.name, range, selector)} - ${perSecond(connectionsSuccessful.name, range, selector)})`,
    all: (range, selector) => perSecond(connectionsAttempted.name, range, selector),
  },
  {
    id: 'latency',
    title: 'Round trips under 150 ms',
    goal: 0.95,
    means: 'Bad: a round trip between somebody and the SFU of more than 150 ms.',
    // Prometheus 3 writes it as 150.0.
    bad: (range, selector) =>
      `(${perSecond(`${rtt.name}_count`, range, selector)} - ${perSecond(`${rtt.name}_bucket`, range, selector, 'le=~"150|150.0"')})`,
    all: (range, selector) => perSecond(`${rtt.name}_count`, range, selector),
  },
  {
    id: 'loss',
    title: 'Packets arrive',
    goal: 0.99,
    means: 'Bad: a packet of a track over the SFU that was lost.',
    bad: (range, selector) => perSecond(packetsLost.name, range, selector),
    all: (range, selector) => perSecond(packets.name, range, selector),
  },
  {
    id: 'uptime',
    title: 'Signaling is up',
    goal: 0.999,
    means:
      'Bad: a moment in which no signaling pod answered Prometheus; without any pod nothing is counted.',
    bad: (range, selector) => `(1 - ${answering(range, selector)})`,
    all: (range, selector) => `(${answering(range, selector)} >= bool 0)`,
  },
]

/** The share of a range in which at least one signaling pod answered Prometheus. */
function answering(range: string, selector: string): string {
  const matchers = [selector, 'job=~".+-signaling"'].filter(Boolean).join(',')
  return `avg_over_time((max by (namespace, cluster) (up{${matchers}}))[${range}:1m])`
}
