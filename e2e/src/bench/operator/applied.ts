/**
 * What was applied to make an object be as it is: the fields that server-side apply keeps as the manager's, with
 * the values they have. So a baseline can write the very objects that the operator writes, whatever those are.
 */

interface ManagedObject {
  apiVersion?: string
  kind?: string
  metadata: {
    name: string
    namespace?: string
    managedFields?: {
      manager?: string
      operation?: string
      subresource?: string
      fieldsV1?: unknown
    }[]
  }
}

type FieldSet = { [key: string]: FieldSet }

/** @throws when the manager has applied nothing to it */
export function appliedConfiguration(object: ManagedObject, manager: string): object {
  const entry = object.metadata.managedFields?.find(
    (fields) => fields.manager === manager && fields.operation === 'Apply' && !fields.subresource,
  )
  if (!entry) throw new Error(`${object.kind} ${object.metadata.name} has no fields of ${manager}`)
  const { name, namespace } = object.metadata
  const picked = pick(object, entry.fieldsV1 as FieldSet) as { metadata?: object }
  const { apiVersion, kind } = object
  return { apiVersion, kind, ...picked, metadata: { name, namespace, ...picked.metadata } }
}

/** `f:name` is a field, `k:{…}` the list item with these keys, `v:…` a member of a set, `.` the thing itself. */
function pick(value: unknown, fields: FieldSet): unknown {
  const keys = Object.keys(fields).filter((key) => key !== '.')
  if (keys.length === 0) return value
  if (Array.isArray(value)) {
    const wanted = keys.map((key) => ({ key, is: JSON.parse(key.slice(2)) as unknown }))
    return value.flatMap((item) => {
      const found = wanted.find(({ key, is }) =>
        key.startsWith('k:') ? hasKeys(item, is) : item === is,
      )
      return found ? [withKeys(pick(item, fields[found.key] ?? {}), found.is)] : []
    })
  }
  const source = value as Record<string, unknown>
  return Object.fromEntries(
    keys.map((key) => [key.slice(2), pick(source[key.slice(2)], fields[key] ?? {})]),
  )
}

function hasKeys(item: unknown, keys: unknown): boolean {
  return Object.entries(keys as object).every(
    ([key, value]) => (item as Record<string, unknown>)[key] === value,
  )
}

function withKeys(item: unknown, keys: unknown): unknown {
  return typeof keys === 'object' ? { ...(keys as object), ...(item as object) } : item
}
