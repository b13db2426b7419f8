import { describe, expect, it } from '@jest/globals'
import { InvalidMeetingCluster, parseMeetingCluster } from './index.ts'
import { completeSpec, refusedSpecs } from './testing/cases.ts'
import { resource } from './testing/specs.ts'

function issuesOf(value: unknown) {
  try {
    parseMeetingCluster(value)
  } catch (error) {
    if (error instanceof InvalidMeetingCluster) return error.issues
    throw error
  }
  return []
}

describe('a MeetingCluster that breaks a rule is refused at the field, with the fix', () => {
  it.each(refusedSpecs)('$why', ({ spec, path, says }) => {
    expect(issuesOf(resource(spec))).toContainEqual({
      path,
      message: expect.stringContaining(says),
    })
  })
})

describe('a MeetingCluster of the wrong shape is refused', () => {
  it.each([
    [
      'a misspelt field',
      resource({ turn: { relayPort: {} } }),
      'spec.turn.relayPort: unknown field',
    ],
    ['a missing field', resource({ domain: undefined }), 'spec.domain: required, a string'],
    ['a field of another type', resource({ mesh: { maxParticipants: 'x' } }), 'must be a number'],
    [
      'an unknown word',
      resource({ sfu: { engine: 'Janus' } }),
      'must be LiveKit or Mediasoup or None',
    ],
    ['a number out of bounds', resource({ mesh: { maxParticipants: 9 } }), 'must be 8 or less'],
    ['a name too long for its children', resource({}, 'a'.repeat(41)), 'must be 40 characters'],
    ['a name that no Service can have', resource({}, '1st'), 'beginning with a letter'],
    ['another kind', { ...resource({}), kind: 'Pod' }, 'kind: must be MeetingCluster'],
    ['nothing', null, 'must be an object'],
  ])('%s', (_, value, says) => {
    expect(issuesOf(value).map(({ path, message }) => `${path}: ${message}`)).toEqual([
      expect.stringContaining(says),
    ])
  })
})

it('a spec with every field is accepted', () => {
  expect(parseMeetingCluster(resource(completeSpec)).spec).toMatchObject(completeSpec)
})

it('every fault is named, a line each', () => {
  const faulty = resource({ turn: { replicas: 0 }, sfu: { engine: 'x' } })
  expect(() => parseMeetingCluster(faulty)).toThrow(/spec\.turn\.replicas.*\n.*spec\.sfu\.engine/)
})

it('a resource as the cluster gives it, with its status, is read', () => {
  const status = { conditions: [], ofALaterVersion: true }
  expect(parseMeetingCluster({ ...resource({}), status })).not.toHaveProperty('status')
})
