import { clientMetrics, meetingMetrics, sfuMetrics, trafficMetrics } from '@parley/protocol'
import { orNone } from '../board.ts'
import { type Limited, overLimit } from './limits.ts'
import type { RecordingRule } from './rule.ts'

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
  /** What `bad` and `all` go by, where that is to be recorded first. */
  base?: RecordingRule
  /** Nobody is woken for it: it burns slowly at most. */
  mayWait?: true
  /** So many bad events are worth an alert, at least: where few come, one is a large share. */
  least?: number
}

const by = 'sum by (namespace, cluster)'
const { connectionsAttempted, connectionsSuccessful } = meetingMetrics
const { rtt, packets, packetsLost } = sfuMetrics
const perSecond = (series: string, range: string, selector: string, more = '') =>
  `${by} (rate(${series}{${[selector, more].filter(Boolean).join(',')}}[${range}]))`

/** Of a histogram, what is above one of its bounds. Prometheus 3 writes that of 150 as 150.0. */
const above = (metric: { name: string }, bound: number, range: string, selector: string) =>
  `(${perSecond(`${metric.name}_count`, range, selector)} - ${perSecond(`${metric.name}_bucket`, range, selector, `le=~"${bound}|${bound}.0"`)})`
const measured = (metric: { name: string }, range: string, selector: string) =>
  perSecond(`${metric.name}_count`, range, selector)
/**
 * What people ask for who meet. No probes and scrapes: they come all day, and would hide it where few people meet and all
 * are refused. And nothing of the admin page, which asks every few seconds, and is answered with 503 while the meter is
 * away: no meeting misses it, and it has an alert of its own (ParleyMeterNotSubscribed). And nothing that is not there:
 * scanners ask for it all day, and their answers would pass for good ones.
 */
const asked = 'route!~"/(readyz|healthz|metrics)|/api/admin/.+",status!="404"'

/** Nobody is woken for fewer people. */
const LEAST = 5

export const objectives: readonly Objective[] = [
  {
    id: 'joins',
    title: 'Joins succeed',
    goal: 0.98,
    means: 'Bad: a join that did not reach its room.',
    bad: (range, selector) =>
      `(${perSecond(connectionsAttempted.name, range, selector)} - ${perSecond(connectionsSuccessful.name, range, selector)})`,
    all: (range, selector) => perSecond(connectionsAttempted.name, range, selector),
    least: LEAST,
  },
  {
    id: 'latency',
    title: 'Round trips to the SFU under 150 ms',
    goal: 0.95,
    means: 'Bad: a round trip between somebody and the SFU of more than 150 ms.',
    bad: (range, selector) => above(rtt, 150, range, selector),
    all: (range, selector) => measured(rtt, range, selector),
  },
  {
    id: 'loss',
    title: 'Packets arrive',
    goal: 0.99,
    means: 'Bad: a packet of a track over the SFU that was lost.',
    bad: (range, selector) =>
      orNone(
        perSecond(packetsLost.name, range, selector),
        perSecond(packets.name, range, selector),
      ),
    all: (range, selector) => perSecond(packets.name, range, selector),
  },
  {
    id: 'call-latency',
    title: 'Round trips of people under 150 ms',
    goal: 0.95,
    means: 'Bad: a minute of somebody in a call with a round trip of 150 ms and more.',
    bad: (range, selector) => perSecond(clientMetrics.slowMinutes.name, range, selector),
    all: (range, selector) => measured(clientMetrics.latency, range, selector),
  },
  {
    id: 'call-loss',
    title: 'Minutes with less than 1 % lost',
    goal: 0.95,
    means: 'Bad: a minute of somebody in a call who missed more than 1 % of the packets.',
    bad: (range, selector) => above(clientMetrics.loss, 1, range, selector),
    all: (range, selector) => measured(clientMetrics.loss, range, selector),
  },
  {
    id: 'connect',
    title: 'Links connect within 5 s',
    goal: 0.95,
    means: 'Bad: a link between people that took longer until media could flow.',
    bad: (range, selector) => above(clientMetrics.connectSeconds, 5, range, selector),
    all: (range, selector) => measured(clientMetrics.connectSeconds, range, selector),
  },
  {
    id: 'http',
    title: 'Signaling answers requests',
    goal: 0.999,
    means:
      'Bad: a request that was answered with a status of 500 and more. Probes, scrapes, the admin page and what is not there (404) are left out.',
    bad: (range, selector) =>
      orNone(
        perSecond(trafficMetrics.requests.name, range, selector, `status=~"5..",${asked}`),
        perSecond(trafficMetrics.requests.name, range, selector, asked),
      ),
    all: (range, selector) => perSecond(trafficMetrics.requests.name, range, selector, asked),
    least: LEAST,
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
  ofPods('cpu', 'CPU under 70 %', 0.7),
  ofPods('memory', 'Memory under 80 %', 0.8),
]

/** Of the minutes of all pods that have such a limit, those in which they used more than a share of it. */
function ofPods(id: Limited, title: string, share: number): Objective {
  const record = `cluster:parley_pods_over_${id}:ratio`
  const over = (range: string, selector: string) =>
    `avg_over_time(${record}{${selector}}[${range}])`
  return {
    id,
    title,
    goal: 0.99,
    means: `Bad: a minute of a pod that used more than ${share * 100} % of its limit. Pods without a limit are left out.`,
    base: { record, expr: overLimit(id, share) },
    mayWait: true,
    bad: (range, selector) => over(range, selector),
    all: (range, selector) => `(${over(range, selector)} >= bool 0)`,
  }
}

/** The share of a range in which at least one signaling pod answered Prometheus. */
function answering(range: string, selector: string): string {
  const matchers = [selector, 'job=~".+-signaling"'].filter(Boolean).join(',')
  return `avg_over_time((max by (namespace, cluster) (up{${matchers}}))[${range}:1m])`
}
