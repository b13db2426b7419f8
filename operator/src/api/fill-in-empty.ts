import { type StructuralSchema, structuralSchema } from './crd.ts'
import { isEmptyField } from './empty-defaults.ts'
import type { MeetingCluster } from './schema.ts'

type Fields = { [name: string]: Fields | unknown }

/** Of each object that has any: its empty defaults, and the objects within. */
interface Empties {
  fields: [string, unknown][]
  within: [string, Empties][]
}

let ofSpec: Empties | undefined

/**
 * Fills in what the CRD leaves out (empty-defaults.ts) of a MeetingCluster that the API server gives, in place.
 * What is filled in is shared by all and must not be changed.
 */
export function fillInEmpty<T extends Pick<MeetingCluster, 'spec'>>(cluster: T): T {
  ofSpec ??= emptiesOf(structuralSchema().properties?.spec ?? {})
  fillIn(cluster.spec as Fields, ofSpec)
  return cluster
}

function emptiesOf({ properties = {} }: StructuralSchema): Empties {
  const empties: Empties = { fields: [], within: [] }
  for (const [name, schema] of Object.entries(properties)) {
    if (schema.default !== undefined && isEmptyField(schema, schema.default))
      empties.fields.push([name, Object.freeze(schema.default)])
    const inner = emptiesOf(schema)
    if (inner.fields.length > 0 || inner.within.length > 0) empties.within.push([name, inner])
  }
  return empties
}

function fillIn(object: Fields, { fields, within }: Empties): void {
  for (const [name, value] of fields) object[name] ??= value
  for (const [name, empties] of within) {
    const member = object[name]
    if (typeof member === 'object' && member !== null) fillIn(member as Fields, empties)
  }
}
