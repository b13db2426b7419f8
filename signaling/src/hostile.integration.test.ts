import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type Ack, protocolErrorSchema } from '@parley/protocol'
import fc from 'fast-check'
import { pino } from 'pino'
import { type Signaling, startSignaling } from './server.ts'
import { type Client, clients, postJoin, settle, signalingFiles } from './testing/signaling-rig.ts'

// Servers and sockets on a machine that may be busy.
jest.setTimeout(120_000)

const files = signalingFiles()
let server: Signaling
let room = 0
let people: ReturnType<typeof clients>

beforeAll(async () => {
  people = clients()
  const config = files.config({ messagesPerSecond: 1000, joinsPerSecond: 1000 })
  server = await startSignaling(config, { log: pino({ level: 'silent' }) })
})
afterEach(() => people.close())
afterAll(async () => {
  await server.close()
  files.remove()
})

/** Sends what the types forbid. */
function send(client: Client, event: string, ...args: unknown[]): Promise<Ack<unknown>> {
  return (
    client.timeout(5000) as unknown as {
      emitWithAck(event: string, ...args: unknown[]): Promise<Ack<unknown>>
    }
  ).emitWithAck(event, ...args)
}

const candidate = (text: string) => ({ candidate: { candidate: text } })

describe('messages that are not of the protocol', () => {
  it.each<[string, string, unknown[]]>([
    ['an unknown event', 'room:explode', [{}]],
    ['an event named like a property of every object', 'constructor', [{}]],
    ['an event named __proto__', '__proto__', [{}]],
    ['no message', 'media:state', []],
    ['two messages', 'media:state', [{ audio: true, video: true }, {}]],
    ['a text for a message', 'media:state', ['audio']],
    ['null', 'signal', [null]],
    ['a wrong type in a field', 'media:state', [{ audio: 'yes', video: true }]],
    ['an unknown field', 'room:lock', [{ locked: true, admin: true }]],
    ['a field named __proto__', 'room:lock', [JSON.parse('{"locked":true,"__proto__":{"x":1}}')]],
    [
      'a field named constructor',
      'room:lock',
      [JSON.parse('{"locked":true,"constructor":{"prototype":{"x":1}}}')],
    ],
    [
      'an SDP of 300 kB',
      'signal',
      [{ to: 'p-1', signal: { description: { type: 'offer', sdp: 'x'.repeat(300_000) } } }],
    ],
    ['a candidate of 900 kB', 'signal', [{ to: 'p-1', signal: candidate('x'.repeat(900_000)) }]],
    ['a receiver of 900 kB', 'signal', [{ to: 'p'.repeat(900_000), signal: candidate('x') }]],
    ['binary', 'signal', [{ to: 'p-1', signal: new Uint8Array(1000) }]],
    ['a receiver with bad characters', 'signal', [{ to: '../p-1', signal: candidate('x') }]],
    [
      'a signal that is both kinds',
      'signal',
      [{ to: 'p-1', signal: { ...candidate('x'), description: { type: 'offer' } } }],
    ],
  ])('%s is refused as invalid, and the socket is kept', async (_what, event, args) => {
    const { client } = await people.enter(server.url, `hostile-${++room}`, 'Eve')
    const ended: string[] = []
    client.on('disconnect', (reason) => ended.push(reason))
    const answer = await send(client, event, ...args)
    expect(answer).toMatchObject({ ok: false, error: { code: 'invalid' } })
    if (!answer.ok) expect(protocolErrorSchema.parse(answer.error).message.length).toBeLessThan(201)
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false)
    await settle(client)
    expect(ended).toEqual([])
  })

  it('any event with any JSON is answered, and the socket is kept', async () => {
    const { client } = await people.enter(server.url, 'fuzz', 'Eve')
    const ended: string[] = []
    client.on('disconnect', (reason) => ended.push(reason))
    const event = fc.oneof(
      fc.constantFrom('room:join', 'signal', 'media:state', 'turn:refresh'),
      fc
        .string()
        .filter(
          (s) =>
            !/^(connect|connect_error|disconnect|disconnecting|newListener|removeListener)$/.test(
              s,
            ),
        ),
    )
    await fc.assert(
      fc.asyncProperty(event, fc.array(fc.jsonValue(), { maxLength: 3 }), async (name, args) => {
        expect(typeof (await send(client, name, ...args)).ok).toBe('boolean')
      }),
      { numRuns: 200 },
    )
    expect(ended).toEqual([])
  })

  it('messages that ask for no answer are refused in silence', async () => {
    const { client } = await people.enter(server.url, 'silent', 'Eve')
    client.emit('signal', { nonsense: true } as never, undefined as never)
    await settle(client)
    expect(client.connected).toBe(true)
  })

  it('a newer page is taken in: what is not known of its way in is left out, and gives nothing', async () => {
    const { client, id } = await people.enter(server.url, 'mine', 'Eve')
    const other = await people.enter(server.url, 'mine', 'Ann')
    const heard = new Promise((resolve) => other.client.once('participant:media', resolve))
    const media = JSON.parse('{"audio":true,"video":true,"__proto__":{"x":1},"admin":true}')
    const answer = await send(client, 'room:join', { media, room: 'yours', role: 'admin' })
    expect(answer).toMatchObject({ ok: true, data: { room: 'mine', self: id } })
    expect(await heard).toEqual({ id, media: { audio: true, video: true } })
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false)
  })
})

describe('floods', () => {
  it('are answered rate-limited; the socket stays, others are not slowed, and it may speak again', async () => {
    const strict = await startSignaling(files.config({ messagesPerSecond: 5 }), {
      log: pino({ level: 'silent' }),
    })
    try {
      const { client } = await people.enter(strict.url, 'flood', 'Eve')
      const other = await people.enter(strict.url, 'flood', 'Ann')
      const answers = await Promise.all(
        Array.from({ length: 500 }, () => send(client, 'turn:refresh', {})),
      )
      const refused = answers.filter((a) => !a.ok && a.error.code === 'rate-limited')
      expect(refused.length).toBeGreaterThan(400)
      expect(answers.filter(({ ok }) => ok).length).toBeGreaterThanOrEqual(30)
      expect(await send(other.client, 'turn:refresh', {})).toMatchObject({ ok: true })
      expect(client.connected).toBe(true)
      const patience = Date.now() + 5000
      let again = await send(client, 'turn:refresh', {})
      while (!again.ok && Date.now() < patience) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        again = await send(client, 'turn:refresh', {})
      }
      expect(again).toMatchObject({ ok: true })
    } finally {
      await strict.close()
    }
  })

  it('of the join API are refused with 429', async () => {
    const strict = await startSignaling(files.config({ joinsPerSecond: 1 }), {
      log: pino({ level: 'silent' }),
    })
    try {
      const codes = await Promise.all(
        Array.from(
          { length: 40 },
          async () => (await postJoin(strict.url, 'r', { name: 'A' })).status,
        ),
      )
      expect(codes.filter((code) => code === 200).length).toBeGreaterThanOrEqual(10)
      expect(codes).toContain(429)
    } finally {
      await strict.close()
    }
  })

  it('of one client behind a proxy leave the others alone, and no client chooses whose it is', async () => {
    const proxies = { hops: 1, ranges: [] }
    const strict = await startSignaling(files.config({ joinsPerSecond: 1, proxies }), {
      log: pino({ level: 'silent' }),
    })
    /** As our proxy passes it on: what the client said, and behind it where the client is. */
    const joinFrom = async (client: string, said?: string) => {
      const forwarded = { 'x-forwarded-for': said ? `${said}, ${client}` : client }
      return (await postJoin(strict.url, 'r', { name: 'A' }, forwarded)).status
    }
    try {
      const flood = await Promise.all(
        Array.from({ length: 40 }, (_, i) => joinFrom('203.0.113.9', `198.51.100.${i}`)),
      )
      expect(flood).toContain(429)
      expect(await joinFrom('203.0.113.10')).toBe(200)
    } finally {
      await strict.close()
    }
  })
})

it('a message of more than 1 MB ends the connection, and the client comes back', async () => {
  const { client } = await people.enter(server.url, 'large', 'Eve')
  const ended = new Promise<string>((resolve) => client.once('disconnect', resolve))
  const back = new Promise<void>((resolve) => client.once('connect', () => resolve()))
  send(client, 'signal', { to: 'p-1', signal: candidate('x'.repeat(1_100_000)) }).catch(() => {})
  expect(await ended).toMatch(/^transport/)
  await back
})

describe('the join API', () => {
  it.each<[string, string, unknown]>([
    ['a room with a space', 'a room', { name: 'Ann' }],
    ['a room with a dot', 'a.b', { name: 'Ann' }],
    ['a room with a slash', 'a/b', { name: 'Ann' }],
    ['a room of 65 characters', 'r'.repeat(65), { name: 'Ann' }],
    ['a room that climbs', '..%2f..', { name: 'Ann' }],
    ['a room with a NUL', 'a\0b', { name: 'Ann' }],
    ['a tenant with a dot', 'r', { name: 'Ann', tenant: 'a.b' }],
    ['REQ-P3: no name', 'r', {}],
    ['REQ-P3: an empty name', 'r', { name: '' }],
    ['REQ-P3: a name of spaces', 'r', { name: '  \t ' }],
    ['REQ-P3: a name with control characters', 'r', { name: 'Ann\u0007' }],
    ['REQ-P3: a name of 65 characters', 'r', { name: 'x'.repeat(65) }],
    ['a name that is no text', 'r', { name: { toString: 'x' } }],
    ['a list', 'r', []],
    ['null', 'r', 'null'],
    ['broken JSON', 'r', '{"name":'],
    ['a poisoned prototype', 'r', '{"name":"Ann","__proto__":{"tenant":"x"}}'],
    ['a poisoned constructor', 'r', '{"name":"Ann","constructor":{"prototype":{"tenant":"x"}}}'],
  ])('refuses %s with 400 invalid', async (_what, room, body) => {
    const response = await postJoin(server.url, room, body)
    expect(response.status).toBe(400)
    expect(protocolErrorSchema.parse(await response.json()).code).toBe('invalid')
  })

  it('refuses a body of 100 kB unread', async () => {
    const response = await postJoin(server.url, 'r', { name: 'x'.repeat(100_000) })
    expect(response.status).toBe(413)
    expect(protocolErrorSchema.parse(await response.json()).code).toBe('invalid')
  })

  it('takes a name of 64 characters and trims it', async () => {
    const response = await postJoin(server.url, 'r', {
      name: ` ${'x'.repeat(64)} `,
      tenant: 'default',
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ room: 'r', tenant: 'default' })
  })

  it('charges nobody to a tenant that only they say they are of', async () => {
    const response = await postJoin(server.url, 'r', { name: 'Ann', tenant: 'acme' })
    expect(response.status).toBe(403)
    expect(protocolErrorSchema.parse(await response.json()).code).toBe('forbidden')
  })

  it('takes a newer page, and gives nothing for what it does not know', async () => {
    const response = await postJoin(server.url, 'r', { name: 'Ann', role: 'admin', of: { to: 1 } })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ role: 'guest' })
  })
})
