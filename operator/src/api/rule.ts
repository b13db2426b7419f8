import type { z } from 'zod'

/**
 * A rule over the fields of one object, said once for both sides: `cel` for the API server, `check`
 * for everything that reads a MeetingCluster without one. Both are true when the rule is kept, and
 * see the object with its defaults filled in.
 */
export interface Rule<T> {
  cel: string
  check: (self: T) => boolean
  /** Names the fix; the field is named by the path that stands before it. */
  message: string
  /** The field to blame, relative to the object: `relayPorts` or `turn.relayPorts`. */
  field?: string
}

/** The schema with its rules: zod runs `check`, the CRD carries `cel`. */
export function withRules<S extends z.ZodType>(schema: S, rules: Rule<z.output<S>>[]): S {
  return schema
    .superRefine((value, context) => {
      for (const { check, message, field } of rules) {
        if (check(value)) continue
        context.addIssue({ code: 'custom', message, path: field?.split('.') ?? [] })
      }
    })
    .meta({
      'x-kubernetes-validations': rules.map(({ cel, message, field }) => ({
        rule: cel,
        message,
        ...(field === undefined ? {} : { fieldPath: `.${field}` }),
      })),
    })
}

/**
 * Of settings that belong together: to Kubernetes, which keeps who has set what, they are one. Each field for which it
 * keeps that costs time with each change of the resource.
 */
export const AS_WHOLE = { 'x-kubernetes-map-type': 'atomic' }

/**
 * A field that stays as it was created. There is no `check`: only the API server knows the old
 * value.
 */
export function immutable<S extends z.ZodType>(schema: S, message: string): S {
  const others = (schema.meta()?.['x-kubernetes-validations'] ?? []) as object[]
  return schema.meta({
    'x-kubernetes-validations': [...others, { rule: 'self == oldSelf', message }],
  })
}
