import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import { longestInviteSeconds, metricsNamespace } from '@parley/protocol'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv } from 'ajv'
import { asyncApiDocument } from './async-api.ts'
import { openApiDocument } from './open-api.ts'

const require = createRequire(import.meta.url)

type Refs = string[]
/** All references of a document, wherever they stand. */
function refsOf(node: unknown, found: Refs = []): Refs {
  if (typeof node !== 'object' || node === null) return found
  for (const [key, value] of Object.entries(node)) {
    if (key === '$ref' && typeof value === 'string') found.push(value)
    else refsOf(value, found)
  }
  return found
}
const resolved = (document: object, ref: string) =>
  ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document)

describe('the reference of events', () => {
  const document = asyncApiDocument() as {
    channels: Record<string, { address: string; messages: Record<string, { name: string }> }>
    operations: Record<string, { action: string; reply?: object }>
  }

  it('is a document of AsyncAPI 3, by the schema of its makers', () => {
    const file = require.resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json')
    const schema = JSON.parse(readFileSync(file, 'utf8'))
    const ajv = new Ajv({ strict: false, validateFormats: false })
    const meta = 'http://json-schema.org/draft-07/schema'
    const validate = ajv.compile({ ...schema, $schema: `${meta}#` })
    validate(document)
    expect(validate.errors ?? []).toEqual([])
    // That it does refuse one that is none.
    expect(validate({ ...document, operations: { x: { action: 'shout' } } })).toBe(false)
  })

  it('refers to nothing that it does not have', () => {
    const refs = refsOf(document).filter(
      (ref) => ref.startsWith('#/channels') || ref.startsWith('#/comp'),
    )
    expect(refs.length).toBeGreaterThan(50)
    for (const ref of new Set(refs))
      expect([ref, typeof resolved(document, ref)]).toEqual([ref, 'object'])
  })

  it('has both namespaces, and each message that asks has its answer', () => {
    const addresses = Object.values(document.channels).map(({ address }) => address)
    expect(addresses).toEqual(['/', metricsNamespace])
    const names = Object.values(document.channels.meeting?.messages ?? {}).map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['room:join', 'signal', 'session:move', 'chat:send']),
    )
    for (const [key, { action, reply }] of Object.entries(document.operations))
      expect([key, action, reply !== undefined]).toEqual([
        key,
        key.includes('.hear.') ? 'send' : 'receive',
        action === 'receive',
      ])
  })
})

describe('the reference of the HTTP API', () => {
  it('is a document of OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(openApiDocument() as never)
    expect(errors ?? []).toEqual([])
    expect(valid).toBe(true)
    const broken = await new Validator().validate({
      ...openApiDocument(),
      paths: { x: {} },
    } as never)
    expect(broken.valid).toBe(false)
  })

  it.each(['meter-api.json', 'signaling-api.json'])(
    'is one as it stands in docs/reference, too: %s',
    async (file) => {
      const text = readFileSync(new URL(`../../../docs/reference/${file}`, import.meta.url), 'utf8')
      const { errors } = await new Validator().validate(JSON.parse(text))
      expect(errors ?? []).toEqual([])
    },
  )

  it('has what a request may leave out, and its limits', () => {
    const { paths } = openApiDocument() as {
      paths: Record<
        string,
        {
          post: {
            requestBody: {
              content: Record<
                string,
                {
                  schema: { required?: string[]; properties: Record<string, { maximum?: number }> }
                }
              >
            }
          }
        }
      >
    }
    const schema =
      paths['/api/rooms/{room}/invites']?.post.requestBody.content['application/json']?.schema
    expect(schema?.required ?? []).toEqual([])
    expect(schema?.properties.expiresInSeconds?.maximum).toBe(longestInviteSeconds)
  })
})
