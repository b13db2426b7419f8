import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseMeetingCluster, type StructuralSchema, structuralSchema } from './index.ts'
import { meetingCluster, meetingClusters } from './testing/specs.ts'

describe('defaults', () => {
  const { spec } = meetingCluster()

  it('REQ-K2: an SFU pod has the reference size', () => {
    expect(spec.sfu.resources).toEqual({
      requests: { cpu: '2', memory: '4Gi' },
      limits: { cpu: '4', memory: '8Gi' },
    })
  })

  it('REQ-K2: SFU pods scale from 3 to 10 at 70 % CPU, also where only a part of that is said', () => {
    const partly = meetingCluster({ sfu: { autoscaling: { minReplicas: 4 } } })
    expect(partly.spec.sfu.autoscaling).toMatchObject({
      minReplicas: 4,
      maxReplicas: 10,
      targetCPUUtilization: 70,
    })
  })

  it('REQ-K3: relay ports are 49152–65535', () => {
    expect(spec.turn.relayPorts).toEqual({ min: 49152, max: 65535 })
  })

  it('REQ-K4: SFU ports begin at 40000 and end below the relay ports', () => {
    expect(spec.sfu.ports).toEqual({ min: 40000, max: 49151 })
  })

  it('filling in defaults a second time changes nothing', () => {
    fc.assert(
      fc.property(meetingClusters, (mc) => {
        expect(parseMeetingCluster(structuredClone(mc))).toEqual(mc)
      }),
    )
  })
})

describe('the schema of the CRD', () => {
  const nodes = [...walk('', structuralSchema())]

  it('REQ-K1: documents every field', () => {
    const silent = nodes.filter(([, { description }]) => !description).map(([path]) => path)
    expect(silent).toEqual(['metadata'])
  })

  it('is structural: every node has a type or says why not, and nothing refers elsewhere', () => {
    for (const [path, node] of nodes) {
      const typed =
        node.type !== undefined ||
        node['x-kubernetes-int-or-string'] === true ||
        node['x-kubernetes-preserve-unknown-fields'] === true
      expect({ path, typed }).toEqual({ path, typed: true })
      expect(Object.keys(node)).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(\$|oneOf|allOf|not$|propertyNames)/)]),
      )
      expect(typeof node.additionalProperties).not.toBe('boolean')
    }
  })

  it('requires only domain and region', () => {
    const spec = structuralSchema().properties?.spec
    expect(spec?.required).toEqual(['domain', 'region'])
  })

  it('REQ-K4: bounds every number of the spec, and every text that is a time', () => {
    const fields = [...walk('', structuralSchema().properties?.spec ?? {})]
    const numbers = fields.filter(([, { type }]) => type === 'integer' || type === 'number')
    expect(numbers.length).toBeGreaterThan(20)
    const open = numbers.filter(
      ([, { minimum, maximum }]) => minimum === undefined || maximum === undefined,
    )
    expect(open.map(([path]) => path)).toEqual([])
    const rules = (field: StructuralSchema) => JSON.stringify(field['x-kubernetes-validations'])
    const times = fields.filter(([, field]) => rules(field)?.includes('duration(self) >'))
    expect(times.length).toBeGreaterThan(4)
    for (const [, field] of times) expect(rules(field)).toMatch(/duration\(self\) <= duration/)
  })

  it('writes the same defaults into the CRD as parsing fills in', () => {
    const { domain: _, region: __, ...filledIn } = meetingCluster().spec
    const inCrd = Object.entries(structuralSchema().properties?.spec?.properties ?? {}).flatMap(
      ([name, field]) => (field.default === undefined ? [] : [[name, field.default] as const]),
    )
    expect(Object.fromEntries(inCrd)).toEqual(filledIn)
  })
})

/** Every field with its path; items of lists and values of maps are not fields of their own. */
function* walk(path: string, schema: StructuralSchema): Generator<[string, StructuralSchema]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const fieldPath = path === '' ? name : `${path}.${name}`
    yield [fieldPath, field]
    yield* walk(fieldPath, field)
    yield* walk(`${fieldPath}[]`, field.items ?? {})
    if (typeof field.additionalProperties === 'object') {
      yield* walk(`${fieldPath}.*`, field.additionalProperties)
    }
  }
}
