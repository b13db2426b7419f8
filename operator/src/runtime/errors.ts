import { types } from 'node:util'
import { MEETING_CLUSTERS, resourceName } from './resources.ts'

const { isNativeError } = types

/**
 * What the API server can answer when it does not do as asked. Each class has one way to be handled, so callers
 * test with `instanceof` and never look at status codes or texts.
 */
export interface FailedCall {
  /** As RBAC names it: get, list, watch, create, update, patch, delete. */
  verb: string
  /** As RBAC names it: `deployments.apps`, `meetingclusters.parley.dev/status`. */
  resource: string
  namespace?: string | undefined
  name?: string | undefined
}

export class ApiError extends Error {
  override name = 'ApiError'
  readonly code: string
  /** HTTP status; 0 where there was no answer. */
  readonly status: number
  readonly call: FailedCall

  constructor(code: string, status: number, call: FailedCall, detail: string) {
    const where = call.namespace ? `${call.namespace}/${call.name ?? ''}` : (call.name ?? '')
    super(`${call.verb} ${call.resource}${where ? ` ${where}` : ''}: ${detail}`)
    this.code = code
    this.status = status
    this.call = call
  }
}

export class NotFound extends ApiError {
  override name = 'NotFound'
}

/** Somebody else changed the object, or it is not the object that the caller meant (uid differs). */
export class Conflict extends ApiError {
  override name = 'Conflict'
}

/** The object is not valid: retrying without a change cannot help. */
export class Invalid extends ApiError {
  override name = 'Invalid'
}

/** No permission. The message says which verb on which resource the role lacks. */
export class Forbidden extends ApiError {
  override name = 'Forbidden'
}

/** The server asks to come back later, after `retryAfterMs`. */
export class TooManyRequests extends ApiError {
  override name = 'TooManyRequests'
  readonly retryAfterMs: number

  constructor(call: FailedCall, detail: string, retryAfterMs: number) {
    super('TooManyRequests', 429, call, detail)
    this.retryAfterMs = retryAfterMs
  }
}

/** The resource version asked for is compacted away (410): list again. */
export class Expired extends ApiError {
  override name = 'Expired'
}

/** No server, a server that is starting or stopping, or a connection that broke: wait and try again. */
export class Unavailable extends ApiError {
  override name = 'Unavailable'
}

/**
 * An admission webhook of the cluster has to be asked, and does not answer: the API server is there. Worth another try
 * as often, and worth saying, as it may be so until somebody looks.
 */
export class WebhookAway extends Unavailable {
  override name = 'WebhookAway'
}

/** Nothing new may be made there, whoever asks: the namespace is being deleted. */
export class NamespaceEnding extends ApiError {
  override name = 'NamespaceEnding'
}

/** What came is no answer of an API server, as a page of a proxy, or not all of it. */
export class Unreadable extends Unavailable {
  override name = 'Unreadable'

  constructor(call: FailedCall, type: string, cause: unknown) {
    const why = isNativeError(cause) ? cause.message : String(cause)
    super(
      ...(['Unreadable', 0, call] as const),
      `an answer that cannot be read (${type}; ${why}): is a proxy in between?`,
    )
    this.cause = cause
  }
}

interface StatusBody {
  message?: string
  reason?: string
  details?: { retryAfterSeconds?: number }
}

/** The error class for an HTTP answer ≥ 400. `body` is a metav1.Status or any text. */
export function errorFromResponse(
  status: number,
  body: string,
  call: FailedCall,
  retryAfterHeader?: string,
): ApiError {
  const parsed = parseStatus(body)
  const detail = parsed.message ?? (body.slice(0, 200) || `HTTP ${status}`)
  switch (status) {
    case 401:
      return new Forbidden(
        ...(['Forbidden', status, call] as const),
        `not allowed: the API server does not take the operator for anybody it knows; look at its token or certificate (${detail})`,
      )
    case 403:
      return forbidden(call, detail)
    case 404:
      return new NotFound('NotFound', status, call, detail)
    case 409:
      return new Conflict('Conflict', status, call, detail)
    case 410:
      return new Expired('Expired', status, call, detail)
    case 400:
    case 422:
      return new Invalid('Invalid', status, call, detail)
    case 429: {
      const seconds = Number(retryAfterHeader ?? parsed.details?.retryAfterSeconds ?? 1)
      return new TooManyRequests(call, detail, (Number.isFinite(seconds) ? seconds : 1) * 1000)
    }
    case 500:
      if (/failed calling webhook/.test(detail))
        return new WebhookAway('WebhookAway', status, call, awayText(detail))
      return new Unavailable('Unavailable', status, call, detail)
    default:
      return status >= 500
        ? new Unavailable('Unavailable', status, call, detail)
        : new ApiError('Unexpected', status, call, detail)
  }
}

/** Roles are not the only cause: admission answers so too, from quotas to policies, and needs another fix. */
function forbidden(call: FailedCall, detail: string): ApiError {
  if (/exceeded quota/.test(detail)) return new ApiError('QuotaExceeded', 403, call, detail)
  if (/because it is being terminated/.test(detail))
    return new NamespaceEnding('NamespaceEnding', 403, call, detail)
  // A new quota is counted within a moment.
  if (/status unknown for quota/.test(detail))
    return new Unavailable('QuotaUnknown', 403, call, detail)
  const isAdmission = /^admission webhook | is forbidden: /.test(detail) && !RIGHTS.test(detail)
  if (isAdmission) {
    const text = `refused, and not for want of a permission: ${detail}`
    return new Invalid('Denied', 403, call, text)
  }
  return new Forbidden('Forbidden', 403, call, forbiddenText(call, detail))
}

/** As every authorizer has it, and the one plugin that asks about a right. */
const RIGHTS = /User "[^"]*" cannot |cannot set blockOwnerDeletion/

/** The same text each time: ports of connections say nothing, and what time it is neither. */
function awayText(detail: string): string {
  const [, name = ''] = /failed calling webhook "([^"]*)"/.exec(detail) ?? []
  const reason = detail.replace(/\S+->|current time \S+ is /g, '')
  return `the admission webhook ${name} of this cluster does not answer; look at its pods and its Service (${reason})`
}

function forbiddenText(call: FailedCall, detail: string): string {
  const { verb, resource } = missingRight(call, detail)
  return `not allowed: the operator's role lacks the verb "${verb}" on "${resource}" (${detail})`
}

/**
 * What is refused need not be what was called: to apply an object that is not there is to create it, and to own
 * an object so that it blocks the owner's deletion is to update the owner's finalizers.
 */
function missingRight(call: FailedCall, detail: string): Pick<FailedCall, 'verb' | 'resource'> {
  if (detail.includes('cannot set blockOwnerDeletion'))
    return { verb: 'update', resource: resourceName(MEETING_CLUSTERS, 'finalizers') }
  const [, verb, resource = '', group] =
    /cannot (\w+) resource "([^"]+)" in API group "([^"]*)"/.exec(detail) ?? []
  if (!verb) return call
  const [plural = '', subresource] = resource.split('/')
  const named = group ? `${plural}.${group}` : plural
  return { verb, resource: subresource ? `${named}/${subresource}` : named }
}

function parseStatus(body: string): StatusBody {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as StatusBody) : {}
  } catch {
    return {}
  }
}
