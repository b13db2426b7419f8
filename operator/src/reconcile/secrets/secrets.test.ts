import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../../api/testing/specs.ts'
import type { ChildKind } from '../children.ts'
import { ROTATED_AT_ANNOTATION, rotationOf } from './rotation.ts'
import { planSecrets } from './secrets.ts'

const NOW = Date.UTC(2026, 10, 21)

/** What is written over a TURN secret that is found with this content, by whoever wrote it. */
async function written(list: string | undefined, annotations: Record<string, string> = {}) {
  const plan = await planSecrets(meetingCluster() as Parameters<typeof planSecrets>[0], {
    kind: { store: { get: () => ({ uid: 'u', notes: annotations }) } } as unknown as ChildKind,
    source: undefined,
    pods: () => [],
    marginMs: 300_000,
    now: () => NOW,
    randomBytes: (count) => new Uint8Array(count).fill(5),
  })
  const child = plan.children.find(({ object }) => object.metadata.name === 'demo-turn-secret')
  const data = list === undefined ? {} : { secrets: Buffer.from(list).toString('base64') }
  const object = (await child?.fill?.({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'demo-turn-secret', resourceVersion: '7', annotations },
    data,
  } as never)) as unknown as {
    metadata: { annotations: Record<string, string> }
    data: { secrets: string }
  }
  return {
    secrets: Buffer.from(object.data.secrets, 'base64').toString(),
    state: rotationOf(object.metadata.annotations),
  }
}

const fresh = `${Buffer.alloc(32, 5).toString('base64url')}\n`

describe('a list of secrets that somebody changed by hand', () => {
  it('stays as it is, and all of it for as long as it may be needed', async () => {
    const { secrets, state } = await written('mine\nold\n')
    expect(secrets).toBe('mine\nold\n')
    expect(state).toMatchObject({ step: 'Retiring', since: NOW })
  })

  it.each([undefined, '', '\n', ' \r\n\t\n'])(
    'that holds none any more (%j) is made anew at once',
    async (list) => {
      expect(await written(list)).toMatchObject({ secrets: fresh, state: { step: 'Idle' } })
    },
  )

  it.each(['', 'null', '{"step":"Idle"}', '{"since":"yesterday"}', '[[[', '\u0000'])(
    'and whose state is %j, too',
    async (state) => {
      const annotations = { [ROTATED_AT_ANNOTATION]: state, 'parley.dev/rotation': state }
      expect(await written('mine\n', annotations)).toMatchObject({
        secrets: 'mine\n',
        state: { step: 'Retiring', generation: 0 },
      })
    },
  )
})
