import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import {
  buildSignalingDeployment,
  buildTurnEndpoints,
  pageConnectsTo,
  signalingAsksPorts,
} from './signaling.ts'
import { renderInputs } from './testing/inputs.ts'
import { buildWebappDeployment } from './webapp.ts'

const inputs = renderInputs()
const pod = (spec: Parameters<typeof meetingCluster>[0]) =>
  buildSignalingDeployment(meetingCluster(spec), inputs).spec.template.spec
const env = (spec: Parameters<typeof meetingCluster>[0]) =>
  Object.fromEntries(pod(spec)?.containers[0]?.env?.map(({ name, value }) => [name, value]) ?? [])

it('signaling takes pages of the domain only, unless the spec names others', () => {
  expect(env({}).PARLEY_ALLOWED_ORIGINS).toBe('https://meet.example.com')
  expect(
    env({ signaling: { allowedOrigins: ['https://a.example.com', 'https://b.example.com'] } })
      .PARLEY_ALLOWED_ORIGINS,
  ).toBe('https://a.example.com,https://b.example.com')
})

it('REQ-K8: signaling knows the largest room of a mesh, and REQ-K3 the life of credentials', () => {
  expect(
    env({ mesh: { maxParticipants: 6 }, turn: { credentials: { ttl: '30m' } } }),
  ).toMatchObject({ PARLEY_MESH_MAX: '6', PARLEY_TURN_TTL_SECONDS: '1800' })
})

it.each(['Admit', 'Knock', 'Refuse'] as const)(
  'REQ-W5: signaling knows what becomes of guests: %s',
  (guests) => {
    expect(env({ signaling: { auth: { guests } } }).PARLEY_GUESTS).toBe(guests)
    expect(env({}).PARLEY_GUESTS).toBe('Admit')
  },
)

it('REQ-A1: signaling asks the meter of its own cluster, by the token that it is given', () => {
  expect(env({})).toMatchObject({
    PARLEY_METER_API: 'http://demo-meter.meetings.svc:8090',
    PARLEY_METER_TOKEN_FILE: '/etc/parley/secrets/meter/token',
  })
  const secrets = pod({})?.volumes?.flatMap(({ secret }) => secret?.secretName ?? [])
  expect(secrets).toContain('demo-meter-token')
})

it('REQ-K7: a signaling pod gets its drain timeout, and a little to end in', () => {
  expect(pod({ signaling: { drainTimeout: '2m' } })?.terminationGracePeriodSeconds).toBe(130)
  expect(env({ signaling: { drainTimeout: '2m' } }).PARLEY_DRAIN_SECONDS).toBe('120')
})

it('browsers are given the TURN URLs that are ready', () => {
  const { data } = buildTurnEndpoints(meetingCluster(), inputs)
  expect(JSON.parse(data['endpoints.json'] ?? '')).toEqual({ urls: inputs.turnUrls })
})

describe('REQ-W5: signing in', () => {
  const oidc = { issuer: 'https://id.example.com:8443/realms/staff', clientId: 'parley' }
  const spec = (more: object = {}) => ({
    signaling: { auth: { mode: 'OIDC' as const, oidc: { ...oidc, ...more } } },
  })

  it('signaling knows the identity provider, and of the roles only what the spec says', () => {
    const of = env(spec({ rolesClaim: 'groups', memberRole: 'staff', scope: 'openid groups' }))
    expect(of).toMatchObject({
      PARLEY_AUTH_MODE: 'OIDC',
      PARLEY_OIDC_ISSUER: oidc.issuer,
      PARLEY_OIDC_CLIENT_ID: 'parley',
      PARLEY_OIDC_ROLES_CLAIM: 'groups',
      PARLEY_OIDC_MEMBER_ROLE: 'staff',
      PARLEY_OIDC_SCOPE: 'openid groups',
    })
    // As signaling has it by default.
    expect(of).not.toHaveProperty('PARLEY_OIDC_HOST_ROLE')
  })

  it('in mode Token nothing is said of a provider', () => {
    const names = Object.keys(env({ signaling: { auth: { oidc } } }))
    expect(names.filter((name) => /OIDC|AUTH_MODE/.test(name))).toEqual([])
    expect(pageConnectsTo(meetingCluster({ signaling: { auth: { oidc } } }))).toEqual([])
  })

  it('pages may connect to the provider, and to whom they report faults; signaling may ask theirs', () => {
    const origins = ['https://tokens.example.com']
    const mc = meetingCluster({
      ...spec({ origins }),
      monitoring: {
        errors: { dsn: 'http://k@e.example.com/1', pageDsn: 'https://k@p.example.com/2' },
      },
    })
    const expected = ['https://id.example.com:8443', ...origins, 'https://p.example.com']
    expect(pageConnectsTo(mc)).toEqual(expected)
    const page = buildWebappDeployment(mc, inputs).spec.template.spec?.containers[0]
    expect(page?.env).toContainEqual({ name: 'PAGE_CONNECT', value: expected.join(' ') })
    expect(signalingAsksPorts(mc)).toEqual([80, 8443])
    expect(signalingAsksPorts(meetingCluster())).toEqual([])
  })
})

it.each([
  [
    'spec.signaling.auth.oidc: is no URL',
    {
      signaling: {
        auth: {
          mode: 'OIDC' as const,
          oidc: { issuer: 'https://id.example.com:99999', clientId: 'parley' },
        },
      },
    },
  ],
  [
    'spec.monitoring.errors.pageDsn: is no URL',
    { monitoring: { errors: { pageDsn: `https://key@errors.example.com";script-src/1` } } },
  ],
  [
    'spec.monitoring.errors.pageDsn: is no URL',
    { monitoring: { errors: { pageDsn: 'https://k@e.example.com:x/1' } } },
  ],
])('what only looks like a URL is named: %s', (message, spec) => {
  expect(() => pageConnectsTo(meetingCluster(spec))).toThrow(message)
})

it('REQ-H6: what is counted, and the admin page, can be turned off, each by itself', () => {
  const names = [
    'METRICS_ENABLED',
    'METRICS_HTTP_ENABLED',
    'WEBRTC_METRICS_ENABLED',
    'PARLEY_ADMIN_ENABLED',
  ]
  const flags = (monitoring: object) => names.map((name) => env({ monitoring })[name])
  expect(flags({})).toEqual([undefined, undefined, undefined, undefined])
  expect(flags({ http: false })).toEqual([undefined, 'false', undefined, undefined])
  expect(flags({ calls: false })).toEqual([undefined, undefined, 'false', undefined])
  expect(flags({ admin: false })).toEqual([undefined, undefined, undefined, 'false'])
  expect(flags({ http: false, calls: false })).toEqual(['false', 'false', 'false', undefined])
  const mounts = (monitoring: object) =>
    buildSignalingDeployment(meetingCluster({ monitoring }), inputs).spec.template.spec
      ?.containers[0]?.volumeMounts ?? []
  const mount = expect.objectContaining({ mountPath: env({}).METRICS_FOLDER })
  expect(mounts({ http: false })).toContainEqual(mount)
  expect(mounts({ http: false, calls: false })).not.toContainEqual(mount)
})

it('REQ-W6: signaling reports faults where the spec says, and nowhere else', () => {
  const errors = { dsn: 'https://k@e.example.com/1', pageDsn: 'https://k@e.example.com/2' }
  expect(env({ monitoring: { errors }, image: { tag: 'v7' } })).toMatchObject({
    PARLEY_ERRORS_DSN: errors.dsn,
    PARLEY_ERRORS_PAGE_DSN: errors.pageDsn,
    PARLEY_RELEASE: 'v7',
  })
  expect(Object.keys(env({})).filter((name) => name.includes('ERRORS'))).toEqual([])
})

it.each([
  [{}, '1', undefined],
  [{ webapp: { ingress: { enabled: true } } }, '1', 'loopback,linklocal,uniquelocal'],
  [
    { webapp: { ingress: { enabled: true } }, signaling: { trustedProxies: ['10.2.0.0/16'] } },
    '1',
    '10.2.0.0/16',
  ],
  [{ webapp: { enabled: false } }, undefined, undefined],
] as const)(
  'REQ-G5: with %j signaling believes the nearest %s, and %s, where a client is',
  (spec, hops, proxies) => {
    const of = env(spec as Parameters<typeof meetingCluster>[0])
    expect(of.PARLEY_TRUSTED_HOPS).toBe(hops)
    expect(of.PARLEY_TRUSTED_PROXIES).toBe(proxies)
  },
)
