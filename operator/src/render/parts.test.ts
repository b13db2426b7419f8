import { expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { renderMeetingCluster } from './render.ts'
import { renderInputs } from './testing/inputs.ts'

type Spec = NonNullable<Parameters<typeof meetingCluster>[0]>

/** As in a cluster with the Prometheus operator. */
const inputs = renderInputs()
const { capabilities } = inputs

function rendered(spec: Spec) {
  const { objects } = renderMeetingCluster(meetingCluster(spec), {
    ...inputs,
    capabilities: { ...capabilities, serviceMonitor: true, prometheusRules: true },
  })
  return new Map(
    objects.map((object) => [`${object.kind}/${object.metadata.name}`, JSON.stringify(object)]),
  )
}

/** What one of the two does not have, or has otherwise. */
function differing(before: Spec, after: Spec): string[] {
  const [one, other] = [rendered(before), rendered(after)]
  const names = new Set([...one.keys(), ...other.keys()])
  return [...names].filter((name) => one.get(name) !== other.get(name)).toSorted()
}

const [signaling, meter] = ['Deployment/demo-signaling', 'Deployment/demo-meter']
const monitors = ['meter', 'sfu', 'signaling'].map((name) => `ServiceMonitor/demo-${name}`)

it.each<[string, Spec, string[]]>([
  ['requests are counted', { monitoring: { http: false } }, [signaling]],
  ['pages say how their calls are', { monitoring: { calls: false } }, [signaling]],
  ['there is an admin page', { monitoring: { admin: false } }, [signaling]],
  ['there is a history', { monitoring: { http: false, calls: false } }, [meter, signaling]],
  ['Grafana has a board', { monitoring: { dashboards: false } }, ['ConfigMap/demo-dashboard']],
  ['there are alerts', { monitoring: { rules: false } }, ['PrometheusRule/demo-rules']],
  ['Prometheus knows the pods', { monitoring: { serviceMonitor: false } }, monitors],
])(
  'REQ-H6: whether %s is a field of its own, and changes nothing but what it is of',
  (_, off, its) => {
    expect(differing({}, off)).toEqual(its)
    // Turned off beside it, the others are left alone, too.
    const others: Spec = { monitoring: { dashboards: false, rules: false, serviceMonitor: false } }
    if (its.includes(signaling))
      expect(
        differing(others, { monitoring: { ...others.monitoring, ...off.monitoring } }),
      ).toEqual(its)
  },
)
