import { expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { buildSignalingDeployment, buildTurnEndpoints } from './signaling.ts'
import { renderInputs } from './testing/inputs.ts'

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

it('REQ-K7: a signaling pod gets its drain timeout, and a little to end in', () => {
  expect(pod({ signaling: { drainTimeout: '2m' } })?.terminationGracePeriodSeconds).toBe(130)
  expect(env({ signaling: { drainTimeout: '2m' } }).PARLEY_DRAIN_SECONDS).toBe('120')
})

it('browsers are given the TURN URLs that are ready', () => {
  const { data } = buildTurnEndpoints(meetingCluster(), inputs)
  expect(JSON.parse(data['endpoints.json'] ?? '')).toEqual({ urls: inputs.turnUrls })
})
