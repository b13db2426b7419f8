import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  customResourceDefinition,
  fillInEmpty,
  type MeetingCluster,
  type StructuralSchema,
  structuralSchema,
} from './index.ts'
import { meetingClusters } from './testing/specs.ts'

const stored = customResourceDefinition().spec.versions[0]?.schema.openAPIV3Schema ?? {}

const isEmpty = (value: unknown) => ['""', '[]', '{}'].includes(JSON.stringify(value))

/** As the API server gives it: what is empty by default and was not written is not there. */
function withoutEmpty(value: unknown, schema: StructuralSchema): unknown {
  const { properties } = schema
  if (!properties || typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).flatMap(([name, member]) => {
    const field = properties[name] ?? {}
    const isDefault = JSON.stringify(member) === JSON.stringify(field.default)
    return isDefault && !field.properties && isEmpty(member)
      ? []
      : [[name, withoutEmpty(member, field)] as const]
  })
  return Object.fromEntries(members)
}

function* defaults(schema: StructuralSchema): Generator<unknown> {
  for (const field of Object.values(schema.properties ?? {})) {
    if (field.default !== undefined && !field.properties) yield field.default
    yield* defaults(field)
  }
}

describe('defaults that are empty', () => {
  it('REQ-K4: are not in the CRD, all others are', () => {
    const inCrd = [...defaults(stored)]
    const all = [...defaults(structuralSchema())]
    expect(all.filter(isEmpty).length).toBeGreaterThan(30)
    expect(inCrd).toEqual(all.filter((value) => !isEmpty(value)))
  })

  it('are filled in where a MeetingCluster is read', () => {
    const { spec } = structuralSchema().properties ?? {}
    fc.assert(
      fc.property(meetingClusters, (mc) => {
        const given = { ...mc, spec: withoutEmpty(structuredClone(mc.spec), spec ?? {}) }
        expect(fillInEmpty(given as MeetingCluster).spec).toEqual(mc.spec)
      }),
    )
  })

  it('leave alone what is written, and what is not there at all', () => {
    const spec = { turn: { nodeSelector: { a: 'b' } } }
    fillInEmpty({ spec } as never)
    expect(spec).toMatchObject({ turn: { nodeSelector: { a: 'b' }, tolerations: [] } })
    expect(spec).not.toHaveProperty('sfu')
  })
})
