import { SignalingError } from './errors.ts'

/** What stands in an `Authorization: Bearer` header. */
export function bearer(header: string | undefined): string | undefined {
  return /^Bearer (\S+)$/i.exec(header ?? '')?.[1]
}

/** @throws {SignalingError} `invalid`, with the field that is wrong */
export function parse<T>(
  schema: {
    safeParse(
      value: unknown,
    ):
      | { success: true; data: T }
      | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } }
  },
  value: unknown,
  what: string,
): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const place = [what, ...(issue?.path ?? []).map(String)].join('.')
  throw new SignalingError('invalid', `${place}: ${issue?.message ?? 'malformed'}`.slice(0, 200))
}
