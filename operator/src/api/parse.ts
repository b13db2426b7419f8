import type { z } from 'zod'
import { type MeetingCluster, meetingClusterSchema } from './schema.ts'

/** A MeetingCluster that the API server would refuse; the message has a line for each thing wrong. */
export class InvalidMeetingCluster extends Error {
  readonly code = 'INVALID_MEETING_CLUSTER'
  /** What is wrong, where (`spec.turn.relayPorts`, empty for the resource as a whole). */
  readonly issues: { path: string; message: string }[]

  constructor(issues: { path: string; message: string }[]) {
    super(issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('\n'))
    this.name = 'InvalidMeetingCluster'
    this.issues = issues
  }
}

/**
 * Reads a MeetingCluster as the API server does: unknown fields refused, defaults filled in, rules
 * checked. A status is left out, since it is no part of what is wanted. Throws
 * {@link InvalidMeetingCluster}.
 */
export function parseMeetingCluster(value: unknown): MeetingCluster {
  const parsed = meetingClusterSchema.safeParse(withoutStatus(value), { reportInput: true })
  if (parsed.success) return parsed.data
  throw new InvalidMeetingCluster(parsed.error.issues.flatMap(describe))
}

function withoutStatus(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('status' in value)) return value
  const { status: _, ...rest } = value
  return rest
}

function describe(issue: z.core.$ZodIssue): { path: string; message: string }[] {
  const path = formatPath(issue.path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: formatPath([...issue.path, key]),
        message: 'unknown field: remove it or correct its name',
      }))
    case 'invalid_type':
      return [
        {
          path,
          message:
            issue.input === undefined
              ? `required, ${article(issue.expected)}`
              : `must be ${article(issue.expected)}`,
        },
      ]
    case 'invalid_value':
      return [{ path, message: `must be ${issue.values.map(String).join(' or ')}` }]
    case 'too_small':
      return [{ path, message: `${mustBe(issue.origin)} ${issue.minimum} or more` }]
    case 'too_big':
      return [{ path, message: `${mustBe(issue.origin)} ${issue.maximum} or less` }]
    default:
      return [{ path, message: issue.message }]
  }
}

const article = (type: string) => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

function mustBe(origin: string): string {
  if (origin === 'string') return 'must have a length of'
  return origin === 'array' ? 'must have a number of items of' : 'must be'
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
}
