import { describe, expect, it } from '@jest/globals'
import type { V1PodTemplateSpec } from '@kubernetes/client-node'
import fc from 'fast-check'
import type { MeetingCluster } from '../api/index.ts'
import { meetingCluster, meetingClusters } from '../api/testing/specs.ts'
import type { RenderInputs, Storage } from './inputs.ts'
import type { Deployment, KubernetesObject } from './kubernetes.ts'
import { limitations } from './limitations.ts'
import { keepsAfterDeletion, renderMeetingCluster } from './render.ts'
import { find, renderInputs } from './testing/inputs.ts'

const anyStorage = fc.constantFrom<Storage>('Volume', 'Awaited', 'None')
const anyInputs: fc.Arbitrary<RenderInputs> = fc.record({
  images: fc.constant({ registry: 'localhost', tag: 'abc' }),
  nodes: fc.dictionary(
    fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/),
    fc.record({ internal: fc.array(fc.ipV4(), { maxLength: 2 }), advertised: fc.ipV4() }),
  ),
  turnUrls: fc.array(fc.constant('turn:198.51.100.1:3478?transport=udp'), { maxLength: 1 }),
  capabilities: fc.record({
    serviceMonitor: fc.boolean(),
    storage: fc.record({ redis: anyStorage, meter: anyStorage }),
    externalMetrics: fc.boolean(),
  }),
})

const all = (mc: MeetingCluster, inputs: RenderInputs) => {
  const { objects, held } = renderMeetingCluster(mc, inputs)
  return [...objects, ...held]
}
const workloads = (objects: KubernetesObject[]) =>
  objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet') as Deployment[]
const podOf = (workload: Deployment): V1PodTemplateSpec => workload.spec.template

describe('whatever the spec says', () => {
  const everyRendering = (check: (objects: KubernetesObject[], mc: MeetingCluster) => void) =>
    fc.assert(fc.property(meetingClusters, anyInputs, (mc, inputs) => check(all(mc, inputs), mc)))

  it('the same arguments give the same bytes', () => {
    fc.assert(
      fc.property(meetingClusters, anyInputs, (mc, inputs) => {
        const again = JSON.stringify(all(structuredClone(mc), structuredClone(inputs)))
        expect(again).toBe(JSON.stringify(all(mc, inputs)))
      }),
    )
  })

  it('names fit into labels and are used once for each kind, in one namespace', () => {
    everyRendering((objects, mc) => {
      for (const { metadata } of objects) {
        expect(metadata.name.length).toBeLessThanOrEqual(63)
        expect(metadata.namespace).toBe(mc.metadata.namespace)
      }
      const ids = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
      expect(new Set(ids).size).toBe(ids.length)
    })
  })

  it('every workload selects its own pods', () => {
    everyRendering((objects) => {
      for (const workload of workloads(objects)) {
        const { labels = {} } = podOf(workload).metadata ?? {}
        expect(labels).toMatchObject(workload.spec.selector.matchLabels ?? {})
      }
    })
  })

  it('REQ-K7: pods of a component are spread over the nodes', () => {
    everyRendering((objects) => {
      for (const workload of workloads(objects)) {
        const { matchLabels } = workload.spec.selector
        expect(podOf(workload).spec?.topologySpreadConstraints).toContainEqual(
          expect.objectContaining({
            topologyKey: 'kubernetes.io/hostname',
            maxSkew: 1,
            labelSelector: { matchLabels },
          }),
        )
      }
    })
  })

  it('pods meet the restricted Pod Security Standard, but for the network of TURN and the SFU', () => {
    everyRendering((objects) => {
      for (const workload of workloads(objects)) {
        const pod = podOf(workload).spec
        expect(pod).toMatchObject({
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        })
        expect(pod?.hostNetwork ?? false).toBe(/-(turn|sfu)$/.test(workload.metadata.name))
        for (const container of pod?.containers ?? []) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          })
        }
      }
    })
  })

  it('every volume is mounted, every mount has its volume, and there is somewhere to write', () => {
    everyRendering((objects) => {
      for (const workload of workloads(objects)) {
        const pod = podOf(workload).spec
        const volumes = pod?.volumes?.map(({ name }) => name)
        const mounts = pod?.containers[0]?.volumeMounts
        expect(mounts?.map(({ name }) => name)).toEqual(volumes)
        expect(mounts?.map(({ mountPath }) => mountPath)).toContain('/tmp')
      }
    })
  })

  it('a number of pods is fixed or scaled, never both', () => {
    everyRendering((objects) => {
      const scaled = objects.flatMap(({ kind, metadata }) =>
        kind === 'HorizontalPodAutoscaler' ? [metadata.name] : [],
      )
      for (const workload of workloads(objects)) {
        const fixed = workload.spec.replicas !== undefined
        expect(fixed).toBe(!scaled.includes(workload.metadata.name))
      }
    })
  })

  it('secrets reach a process as files: none in an environment or an argument list', () => {
    everyRendering((objects) => {
      for (const workload of workloads(objects)) {
        const [container] = podOf(workload).spec?.containers ?? []
        for (const { name, value, valueFrom } of container?.env ?? []) {
          if (/SECRET|PASSWORD|TOKEN|KEY|URL/.test(name)) {
            expect({ name, value }).toEqual({
              name: expect.stringMatching(/_FILE$/),
              value: expect.stringMatching(/^\/etc\/parley\/secrets\//),
            })
          }
          expect(['host', 'port', undefined]).toContain(valueFrom?.secretKeyRef?.key)
        }
        expect(container?.args ?? []).toEqual(
          workload.metadata.name.endsWith('-meter') ? ['meter'] : [],
        )
      }
      expect(objects.map(({ kind }) => kind)).not.toContain('Secret')
    })
  })

  it('each pod has the keys of Secrets that it needs and no others, read by its group alone', () => {
    const needs: Record<string, string[]> = {
      turn: ['demo-redis-auth/password', 'demo-redis-auth/url', 'demo-turn-secret/secrets'],
      sfu: ['demo-livekit-keys/keys', 'demo-redis-auth/url'],
      signaling: [
        'demo-join-key/key',
        'demo-livekit-keys/keys',
        'demo-meter-token/token',
        'demo-redis-auth/url',
        'demo-turn-secret/secrets',
      ],
      webapp: [],
      redis: ['demo-redis-auth/password'],
      meter: ['demo-meter-token/token', 'demo-redis-auth/url'],
    }
    const mc = meetingCluster()
    for (const workload of workloads(all(mc, renderInputs()))) {
      const secrets = podOf(workload).spec?.volumes?.flatMap(({ secret }) => secret ?? []) ?? []
      const keys = secrets.flatMap(({ secretName, items = [] }) =>
        items.map(({ key }) => `${secretName}/${key}`),
      )
      const component = workload.metadata.name.replace('demo-', '')
      expect({ component, keys: keys.toSorted() }).toEqual({ component, keys: needs[component] })
      for (const { defaultMode } of secrets) expect(defaultMode).toBe(0o440)
    }
  })

  it('nothing is half-said: no undefined and no empty name', () => {
    everyRendering((objects) => {
      expect(structuredClone(objects)).toEqual(JSON.parse(JSON.stringify(objects)))
    })
  })
})

describe('signaling', () => {
  const mc = meetingCluster()
  const heldNames = (turnUrls: string[]) =>
    renderMeetingCluster(mc, renderInputs({ turnUrls })).held.map(
      ({ kind, metadata }) => `${kind}/${metadata.name}`,
    )

  it('is held while there is no TURN URL to give to browsers', () => {
    expect(heldNames([])).toEqual([
      'ConfigMap/demo-turn-endpoints',
      'Deployment/demo-signaling',
      'HorizontalPodAutoscaler/demo-signaling',
    ])
  })

  it('is deployed as soon as there is one', () => {
    expect(heldNames(['turn:198.51.100.1:3478?transport=udp'])).toEqual([])
  })
})

describe('what this version does not have', () => {
  it.each([[{ cost: { prices: { preset: 'no/where' } } }]] as Parameters<
    typeof meetingCluster
  >[0][][])('%j holds the pods and says so', (spec) => {
    const mc = meetingCluster(spec)
    const [limitation] = limitations(mc)
    expect(limitation).toMatchObject({ holds: true, message: expect.stringContaining('take') })
    const { held } = renderMeetingCluster(mc, renderInputs())
    expect(held.map(({ metadata }) => metadata.name)).toContain(`demo-${limitation?.component}`)
  })

  it('is nothing by default', () => {
    expect(limitations(meetingCluster())).toEqual([])
  })
})

it('ServiceMonitors are there where the cluster knows them, or the spec insists', () => {
  const rendered = (wanted: 'Auto' | boolean, serviceMonitor: boolean) =>
    find(
      renderMeetingCluster(
        meetingCluster({ monitoring: { serviceMonitor: wanted } }),
        renderInputs({
          capabilities: { ...renderInputs().capabilities, serviceMonitor },
        }),
      ),
      'ServiceMonitor',
      'demo-meter',
    ) !== undefined
  expect(rendered('Auto', true)).toBe(true)
  expect(rendered('Auto', false)).toBe(false)
  expect(rendered(true, false)).toBe(true)
  expect(rendered(false, true)).toBe(false)
})

it('only the store of the meter outlives the MeetingCluster', () => {
  const mc = meetingCluster()
  const kept = all(mc, renderInputs()).filter((object) => keepsAfterDeletion(mc, object))
  expect(kept.map(({ metadata }) => metadata.name)).toEqual(['demo-meter-store'])
  const thrifty = meetingCluster({ store: { deletionPolicy: 'Delete' } })
  expect(all(thrifty, renderInputs()).some((each) => keepsAfterDeletion(thrifty, each))).toBe(false)
})

it('images come from the spec, else from where the operator came from', () => {
  const image = (spec: Parameters<typeof meetingCluster>[0]) =>
    find<Deployment>(
      renderMeetingCluster(meetingCluster(spec), renderInputs()),
      'Deployment',
      'demo-turn',
    )?.spec.template.spec?.containers[0]?.image
  expect(image({})).toBe('localhost/parley-coturn:0.1.0')
  expect(image({ image: { registry: 'r.example.com/p/', tag: '9' } })).toBe(
    'r.example.com/p/parley-coturn:9',
  )
})
