import { describe, expect, it } from '@jest/globals'
import {
  ApiError,
  errorFromResponse,
  Forbidden,
  Invalid,
  NamespaceEnding,
  TooManyRequests,
  Unavailable,
  WebhookAway,
} from './errors.ts'

const call = { verb: 'patch', resource: 'deployments.apps', namespace: 'ns', name: 'demo' }

describe('errorFromResponse', () => {
  it('REQ-K1: a refused call names the verb and the resource that the role lacks', () => {
    const error = errorFromResponse(403, '{"message":"deployments is forbidden"}', call)
    expect(error).toBeInstanceOf(Forbidden)
    expect(error.message).toBe(
      'patch deployments.apps ns/demo: not allowed: the operator\'s role lacks the verb "patch" on "deployments.apps" (deployments is forbidden)',
    )
  })

  it.each([
    [
      'deployments.apps "demo" is forbidden: User "x" cannot create resource "deployments" in API group "apps" in the namespace "ns"',
      '"create" on "deployments.apps"',
    ],
    [
      'services "m" is forbidden: User "x" cannot get resource "services/proxy" in API group "" in the namespace "ns"',
      '"get" on "services/proxy"',
    ],
    [
      'deployments.apps "demo" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can\'t set finalizers on: , <nil>',
      '"update" on "meetingclusters.parley.dev/finalizers"',
    ],
  ])(
    'REQ-K1: names the right that is missing, which need not be the one used: %s',
    (message, right) => {
      const error = errorFromResponse(403, JSON.stringify({ message }), call)
      expect(error.message).toContain(`lacks the verb ${right} (`)
    },
  )

  it.each([
    'admission webhook "policy.example.com" denied the request: no host ports here',
    "deployments.apps \"demo\" is forbidden: ValidatingAdmissionPolicy 'ports' with binding 'all' denied request: no host ports here",
    'persistentvolumeclaims "x" is forbidden: only dynamically provisioned pvc can be resized: no host ports here',
  ])('REQ-K1: what admission refuses is no missing permission: %s', (message) => {
    const error = errorFromResponse(403, JSON.stringify({ message }), call)
    expect(error).toBeInstanceOf(Invalid)
    expect(error.message).toContain('refused, and not for want of a permission')
    expect(error.message).toContain('no host ports here')
    expect(error.message).not.toContain('lacks')
  })

  it('REQ-K1: nor is a namespace that is being deleted, or an operator that nobody knows', () => {
    const message =
      'services "x" is forbidden: unable to create new content in namespace ns because it is being terminated'
    const ending = errorFromResponse(403, JSON.stringify({ message }), call)
    expect(ending).toBeInstanceOf(NamespaceEnding)
    const unknown = errorFromResponse(401, '{"message":"Unauthorized"}', call)
    expect(unknown).toBeInstanceOf(Forbidden)
    expect(unknown.message).toMatch(/look at its token or certificate \(Unauthorized\)$/)
  })

  it('a quota that is not counted yet is waited for', () => {
    const message = 'services "x" is forbidden: status unknown for quota: few, resources: services'
    expect(errorFromResponse(403, JSON.stringify({ message }), call)).toBeInstanceOf(Unavailable)
  })

  it('REQ-K1: a webhook that does not answer is named, in the same words each time', () => {
    const said = (reason: string) => {
      const message = `Internal error occurred: failed calling webhook "policy.example.com": ${reason}`
      const error = errorFromResponse(500, JSON.stringify({ message }), call)
      expect(error).toBeInstanceOf(WebhookAway)
      return error.message
    }
    const reset = (port: number) =>
      said(`read tcp 10.0.0.1:${port}->10.0.0.2:443: connection reset`)
    expect(reset(41000)).toContain('the admission webhook policy.example.com of this cluster')
    expect(reset(41000)).toBe(reset(41001))
    const expired = (seconds: number) =>
      said(
        `tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-23T03:00:0${seconds}Z is after 2026-11-01T00:00:00Z`,
      )
    expect(expired(1)).toContain('not yet valid: after 2026-11-01')
    expect(expired(1)).toBe(expired(6))
  })

  it('a quota that is used up is no missing permission', () => {
    const error = errorFromResponse(403, '{"message":"exceeded quota: q, requested: pods=1"}', call)
    expect(error).not.toBeInstanceOf(Forbidden)
    expect(error.code).toBe('QuotaExceeded')
  })

  it.each([
    ['3', '', 3000],
    [undefined, '{"details":{"retryAfterSeconds":7}}', 7000],
    [undefined, 'slow down', 1000],
    ['Wed, 21 Oct 2026 07:28:00 GMT', '', 1000],
  ])('429 with Retry-After %s and body %s waits %d ms', (header, body, ms) => {
    const error = errorFromResponse(429, body, call, header)
    expect(error).toBeInstanceOf(TooManyRequests)
    expect((error as TooManyRequests).retryAfterMs).toBe(ms)
  })

  it.each([
    [404, 'NotFound'],
    [409, 'Conflict'],
    [410, 'Expired'],
    [422, 'Invalid'],
    [400, 'Invalid'],
    [500, 'Unavailable'],
    [503, 'Unavailable'],
    [418, 'Unexpected'],
  ])('%d is %s', (status, code) => {
    const error = errorFromResponse(status, 'text', call)
    expect(error).toBeInstanceOf(ApiError)
    expect(error.code).toBe(code)
  })
})
