import { describe, expect, it } from '@jest/globals'
import { ApiError, errorFromResponse, Forbidden, TooManyRequests } from './errors.ts'

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
