import { metricsNamespace, protocolErrorSchema } from '@parley/protocol'
import { z } from 'zod'
import { meetingNews, meetingRequests, metricsNews, metricsRequests } from './events.ts'

type Request = { summary: string; message: z.ZodType; answer: z.ZodType }
type News = { summary: string; message?: z.ZodType | undefined }
type Namespace = {
  key: string
  address: string
  about: string
  requests: Record<string, Request>
  news: Record<string, News>
}

const namespaces: Namespace[] = [
  {
    key: 'meeting',
    address: '/',
    about: 'Rooms: seats, signals, the door, chat. A socket shows its join token as auth.token.',
    requests: meetingRequests,
    news: meetingNews,
  },
  {
    key: 'metrics',
    address: metricsNamespace,
    about:
      'How calls are. A socket shows the same token, or that of POST /api/admin/token; what admins hear needs the role admin.',
    requests: metricsRequests,
    news: metricsNews,
  },
]

/**
 * The events of Socket.IO as an AsyncAPI 3 document, made of the schemas that messages are read by. Operations are the
 * server's: it receives what pages send, and each such message is answered by an acknowledgement.
 */
export function asyncApiDocument(): object {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Parley signaling: events',
      version: 'v1',
      description:
        'Socket.IO 4 at /socket.io. Every message has one object, `{}` where there is nothing to say, and is acknowledged with `{ ok: true, data }` or `{ ok: false, error }`. A refused message never costs the socket.',
    },
    defaultContentType: 'application/json',
    servers: {
      page: {
        host: 'meet.example.com',
        pathname: '/socket.io',
        protocol: 'wss',
        description: 'The same host as the web page.',
        security: [{ $ref: '#/components/securitySchemes/token' }],
      },
    },
    channels: Object.fromEntries(namespaces.map((one) => [one.key, channelOf(one)])),
    operations: Object.fromEntries(namespaces.flatMap(operationsOf)),
    components: {
      schemas: { Error: jsonSchema(protocolErrorSchema) },
      securitySchemes: {
        token: {
          type: 'httpApiKey',
          in: 'query',
          name: 'auth.token',
          description:
            'Given in the handshake of Socket.IO, never in an address: the token of POST /api/rooms/{room}/join, later the newest `resume`.',
        },
      },
    },
  }
}

/** Of one namespace and event; names of events have colons, keys of the document must not. */
const keyOf = (namespace: string, way: string, event: string) =>
  `${namespace}.${way}.${event.replaceAll(':', '.')}`

function channelOf({ key, address, about, requests, news }: Namespace): object {
  const messages = [
    ...Object.entries(requests).flatMap(([event, { summary, message, answer }]) => [
      [keyOf(key, 'send', event), messageOf(event, summary, jsonSchema(message))],
      [keyOf(key, 'ack', event), messageOf(event, `Answers ${event}.`, ackOf(answer))],
    ]),
    ...Object.entries(news).map(([event, { summary, message }]) => [
      keyOf(key, 'hear', event),
      messageOf(event, summary, message ? jsonSchema(message) : { type: 'null' }),
    ]),
  ]
  return { address, description: about, messages: Object.fromEntries(messages) }
}

const messageOf = (name: string, summary: string, payload: object) => ({ name, summary, payload })

function operationsOf({ key, requests, news }: Namespace): [string, object][] {
  const channel = { $ref: `#/channels/${key}` }
  const message = (name: string) => ({ $ref: `#/channels/${key}/messages/${name}` })
  return [
    ...Object.entries(requests).map(([event, { summary }]): [string, object] => [
      keyOf(key, 'send', event),
      {
        ...{ action: 'receive', channel, summary },
        messages: [message(keyOf(key, 'send', event))],
        reply: { channel, messages: [message(keyOf(key, 'ack', event))] },
      },
    ]),
    ...Object.entries(news).map(([event, { summary }]): [string, object] => [
      keyOf(key, 'hear', event),
      { ...{ action: 'send', channel, summary }, messages: [message(keyOf(key, 'hear', event))] },
    ]),
  ]
}

function ackOf(answer: z.ZodType): object {
  return {
    oneOf: [
      {
        type: 'object',
        properties: { ok: { const: true }, data: jsonSchema(answer) },
        required: ['ok', 'data'],
      },
      {
        type: 'object',
        properties: { ok: { const: false }, error: { $ref: '#/components/schemas/Error' } },
        required: ['ok', 'error'],
      },
    ],
  }
}

/** As a page has to write it: fields with a default may be left out. */
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as Record<string, unknown>
  return rest
}
