import { describe, expect, it } from '@jest/globals'
import { Unavailable } from '../runtime/errors.ts'
import { FakeClock } from '../runtime/fake-clock.ts'
import type { K8sObject, Resource } from '../runtime/resources.ts'
import { type Attributes, Authorizer } from './authorizer.ts'

const jane = { user: 'jane', groups: ['ops'], extra: { scope: ['a'] } }
const discovery: Attributes = { nonResourceAttributes: { path: '/apis', verb: 'get' } }

function setUp(status: object | Error) {
  const asked: { resource: Resource; spec: unknown }[] = []
  const state = { status }
  const clock = new FakeClock()
  const client = {
    async create<T extends K8sObject>(resource: Resource, _: string | undefined, body: object) {
      asked.push({ resource, spec: (body as { spec: unknown }).spec })
      if (state.status instanceof Error) throw state.status
      return { metadata: { name: '' }, status: state.status } as unknown as T
    },
  }
  return { authorizer: new Authorizer(client, clock), asked, clock, state }
}

describe('Authorizer', () => {
  it('asks the cluster in the name of the user, once in ten seconds', async () => {
    const { authorizer, asked, clock } = setUp({ allowed: true })
    expect(await authorizer.allows(jane, discovery)).toBe(true)
    expect(await authorizer.allows(jane, discovery)).toBe(true)
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({
      resource: { plural: 'subjectaccessreviews' },
      spec: { ...jane, ...discovery },
    })
    await clock.advance(10_000)
    await authorizer.allows(jane, discovery)
    expect(asked).toHaveLength(2)
  })

  it('keeps users apart, also those who differ in a group or an extra only', async () => {
    const { authorizer, asked } = setUp({ allowed: true })
    await authorizer.allows(jane, discovery)
    await authorizer.allows({ ...jane, groups: [] }, discovery)
    await authorizer.allows({ ...jane, extra: {} }, discovery)
    expect(asked).toHaveLength(3)
  })

  it.each([[{ allowed: false }], [{ allowed: true, denied: true }], [{}]])(
    'takes %j for no',
    async (status) => {
      expect(await setUp(status).authorizer.allows(jane, discovery)).toBe(false)
    },
  )

  it('takes no answer for none, and asks again', async () => {
    const call = { verb: 'create', resource: 'subjectaccessreviews' }
    const { authorizer, state } = setUp(new Unavailable('Unavailable', 0, call, 'away'))
    await expect(authorizer.allows(jane, discovery)).rejects.toThrow('away')
    state.status = { allowed: true }
    expect(await authorizer.allows(jane, discovery)).toBe(true)
  })

  it('remembers a bounded number of answers', async () => {
    const { authorizer, asked } = setUp({ allowed: true })
    for (let i = 0; i < 1001; i++) await authorizer.allows({ ...jane, user: `u${i}` }, discovery)
    await authorizer.allows({ ...jane, user: 'u0' }, discovery)
    expect(asked).toHaveLength(1002)
  })
})
