import { describe, expect, it } from '@jest/globals'
import {
  chatTextSchema,
  displayNameSchema,
  errorCodes,
  joinResponseSchema,
  mediaStateSchema,
  pageConfigSchema,
  protocolErrorSchema,
  slugSchema,
} from '@parley/protocol'
import fc from 'fast-check'
import {
  chatText,
  displayName,
  joinResponse,
  mediaState,
  pageConfig,
  protocolError,
  slug,
} from './protocolShapes.ts'
import { read, type Shape } from './shape.ts'

const word = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{0,66}$/),
  fc.string({ unit: 'binary', maxLength: 70 }),
  fc.constantFrom('mesh', 'sfu', 'LiveKit', 'Token', 'OIDC', 'guest', 'host', 'Admit', 'Knock'),
  fc.constantFrom(
    ' Ana ',
    'A\u202ena',
    '\n',
    '\u00ad',
    '\ud800',
    'https://id.example',
    ...errorCodes,
  ),
)
const name = fc.constantFrom('Ana', ' Minh ', 'a name that is too long'.repeat(4), '\u0007', '')
const url = fc.constantFrom('https://id.example', 'not a URL', ' https://id.example ')
const flag = fc.boolean()
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] })

const ice = record({
  urls: fc.array(word, { maxLength: 2 }),
  username: word,
  credential: word,
  other: word,
})
const media = fc.oneof(
  fc.constantFrom({ mode: 'mesh' }, { mode: 'sfu', engine: 'LiveKit' }, { mode: 'sfu' }),
  record({ mode: word, engine: word }),
  record({ mode: fc.constant('sfu'), engine: fc.constant('LiveKit'), token: word }),
)
const join = {
  token: word,
  participantId: fc.stringMatching(/^p-[a-z]{1,8}$/),
  room: fc.stringMatching(/^[a-z]{1,8}$/),
  tenant: fc.stringMatching(/^[a-z]{1,8}$/),
  role: fc.constantFrom('guest', 'member', 'host', 'admin'),
  name,
  iceServers: fc.array(fc.oneof(fc.record({ urls: fc.constant(['turn:192.0.2.1']) }), ice), {
    maxLength: 2,
  }),
  media,
  other: word,
}
const auth = fc.oneof(
  fc.record({ mode: fc.constant('Token'), guests: fc.constantFrom('Admit', 'Nobody') }),
  record({ mode: fc.constant('OIDC'), issuer: url, clientId: word, scope: word }),
  fc.record({ mode: word }),
)
const whole = fc.oneof(fc.integer({ min: -1, max: 5000 }), fc.double(), fc.constant(2 ** 60))

type Schema = { safeParse(value: unknown): { data?: unknown } }

/** Of each: its schema, its shape, and values that are of it, or off by a little. */
const cases: Record<string, [Schema, Shape<unknown>, fc.Arbitrary<unknown>]> = {
  slug: [slugSchema, slug, word],
  displayName: [displayNameSchema, displayName, fc.oneof(word, name)],
  chatText: [
    chatTextSchema,
    chatText,
    fc.oneof(word, fc.constantFrom('x'.repeat(2000), 'x'.repeat(2001))),
  ],
  mediaState: [
    mediaStateSchema,
    mediaState,
    record({ audio: flag, video: flag, screen: flag, e2ee: word, other: word }),
  ],
  pageConfig: [
    pageConfigSchema,
    pageConfig,
    record({
      auth,
      errors: record({ dsn: url, environment: word, release: word }),
      metrics: record({ statsMs: whole, emitMs: whole }),
    }),
  ],
  joinResponse: [joinResponseSchema, joinResponse, fc.oneof(fc.record(join), record(join))],
  protocolError: [protocolErrorSchema, protocolError, record({ code: word, message: word })],
}

describe('what a page reads before somebody joins', () => {
  for (const [what, [schema, shape, values]] of Object.entries(cases))
    it(`REQ-W2: ${what}: takes what the protocol takes, and makes the same of it`, () => {
      fc.assert(
        fc.property(fc.oneof({ weight: 9, arbitrary: values }, fc.anything()), (value) => {
          expect(read(shape, value)).toEqual(schema.safeParse(value).data)
        }),
        { numRuns: 500 },
      )
    })
})
