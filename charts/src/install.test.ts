import { describe, expect, it } from '@jest/globals'
import { parseMeetingCluster } from '@parley/operator/api'
import { defaultRenderInputs, generateSecrets, renderMeetingCluster } from '@parley/operator/render'
import { installManifests, installObjects } from './install.ts'
import {
  clusterRules,
  leaseRules,
  managerRules,
  rememberRules,
  shardsRememberRules,
} from './rbac.ts'

const options = {
  namespace: 'parley-system',
  values: { image: { registry: 'registry.example.com/parley/', tag: '1' } },
}

describe('the rights of the operator', () => {
  const rules = [managerRules, clusterRules, leaseRules, rememberRules, shardsRememberRules].flat()

  it('hold no wildcard', () => {
    expect(JSON.stringify(rules)).not.toContain('*')
  })

  it('cover every kind that it renders', () => {
    const mc = parseMeetingCluster({
      apiVersion: 'parley.dev/v1alpha1',
      kind: 'MeetingCluster',
      metadata: { name: 'demo' },
      spec: {
        domain: 'meet.example.com',
        region: 'eu-central-1',
        webapp: { ingress: { enabled: true } },
        monitoring: { serviceMonitor: true },
      },
    })
    const { objects, held } = renderMeetingCluster(mc, defaultRenderInputs())
    const secrets = generateSecrets(mc, {}, (size) => new Uint8Array(size))
    for (const { apiVersion, kind } of [...objects, ...held, ...secrets]) {
      const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
      const resource = kind === 'NetworkPolicy' ? 'networkpolicies' : plural(kind)
      const rule = managerRules.find(
        ({ apiGroups, resources }) =>
          apiGroups.includes(group ?? '') && resources.includes(resource),
      )
      expect({ kind, verbs: rule?.verbs }).toEqual({
        kind,
        verbs: expect.arrayContaining(['get', 'list', 'watch', 'create', 'patch']),
      })
    }
  })

  it('REQ-K1: let it remember beside its Lease, where they are not those of all namespaces', () => {
    const roleOf = (watchNamespace: string, more: object = {}) => {
      const values = { ...options.values, watchNamespace, ...more }
      const role = installObjects({ ...options, values }).find(
        ({ kind, metadata }) => kind === 'Role' && metadata.name === 'parley-operator',
      )
      return (role as unknown as { rules: object[] }).rules
    }
    const configMaps = (rules: object[]) =>
      rules.filter((rule) => JSON.stringify(rule).includes('configmaps'))
    expect(configMaps(roleOf('meetings'))).toEqual(rememberRules)
    expect(configMaps(roleOf('meetings', { shards: 2 }))).toEqual(shardsRememberRules)
    expect(configMaps(roleOf(''))).toEqual([])
    expect(configMaps(roleOf('meetings', { remember: false }))).toEqual([])
    const everywhere = managerRules.find(({ resources }) => resources.includes('configmaps'))
    // It deletes what another number of shards remembered.
    for (const verb of [...rememberRules.flatMap(({ verbs }) => verbs), 'delete'])
      expect(everywhere?.verbs).toContain(verb)
  })

  it('never extend to deleting what was metered', () => {
    const claims = managerRules.find(({ resources }) =>
      resources.includes('persistentvolumeclaims'),
    )
    expect(claims?.verbs).not.toContain('delete')
  })
})

const plural = (kind: string) => (kind === 'Ingress' ? 'ingresses' : `${kind.toLowerCase()}s`)

describe('the install manifests', () => {
  it('are the same from run to run', () => {
    expect(installManifests(options)).toBe(installManifests(options))
  })

  it('begin with what the rest needs: the namespace and the resources', () => {
    const kinds = [...installManifests(options).matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind)
    expect(kinds.slice(0, 4)).toEqual([
      'Namespace',
      'CustomResourceDefinition',
      'CustomResourceDefinition',
      'ServiceAccount',
    ])
    expect(kinds).toHaveLength(installObjects(options).length)
  })

  it('give the operator its image, and tell it where the others are', () => {
    const yaml = installManifests(options)
    expect(yaml).toContain('image: registry.example.com/parley/parley-node:1')
    expect(yaml).toMatch(/PARLEY_IMAGE_REGISTRY\s+value: registry.example.com\/parley\//)
  })
})
