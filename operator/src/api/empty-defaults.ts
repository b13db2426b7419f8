import type { StructuralSchema } from './crd.ts'

/**
 * Fields that are empty where nothing is given (texts, lists, maps) are a third of a MeetingCluster, and each change
 * costs the API server time for all that is in it. So the CRD leaves these defaults out, and who reads a
 * MeetingCluster fills them in (fill-in-empty.ts).
 */

/** The schema without defaults that are empty; all others stay. */
export function withoutEmptyDefaults(schema: StructuralSchema): StructuralSchema {
  const { default: byDefault, ...rest } = schema
  return {
    ...rest,
    ...(schema.properties
      ? {
          properties: Object.fromEntries(
            Object.entries(schema.properties).map(([name, property]) => [
              name,
              withoutEmptyDefaults(property),
            ]),
          ),
        }
      : {}),
    ...(byDefault === undefined || isEmptyField(schema, byDefault)
      ? {}
      : { default: withoutEmpty(schema, byDefault) }),
  }
}

function withoutEmpty({ properties }: StructuralSchema, value: unknown): unknown {
  if (!properties || typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).flatMap(([name, member]) => {
    const schema = properties[name] ?? {}
    return isEmptyField(schema, member) ? [] : [[name, withoutEmpty(schema, member)] as const]
  })
  return Object.fromEntries(members)
}

/** An object with fields of its own is there also where these are not. */
export function isEmptyField({ properties }: StructuralSchema, value: unknown): boolean {
  if (properties) return false
  return typeof value === 'object' && value !== null
    ? Object.keys(value).length === 0
    : value === ''
}
