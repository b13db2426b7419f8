import {
  adminCostsSchema,
  adminTokenRequestSchema,
  adminTokenResponseSchema,
  authConfigSchema,
  inviteRequestSchema,
  inviteResponseSchema,
  joinRequestSchema,
  joinResponseSchema,
  pageConfigSchema,
  protocolErrorSchema,
  slugSchema,
  trafficLiveSchema,
  trafficSeriesSchema,
} from '@parley/protocol'
import { z } from 'zod'

type Operation = {
  summary: string
  /** Of a path with a room. */
  room?: true
  body?: z.ZodType
  answer: z.ZodType
  /** Status codes that it may answer besides, and when. */
  refusals?: Record<number, string>
  /** Wants the token of a seat, or of an admin. */
  secured?: 'seat' | 'admin'
}

const checks = z.record(z.string(), z.boolean())
const bearer = { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }
const tooMany = 'Too many requests of this address; the message says how long to wait'
const ofMeter = {
  401: 'The token is missing, or not valid any more',
  404: 'The server asks no meter',
  429: tooMany,
  503: 'The meter does not answer',
}
const ofServer = { ...ofMeter, 403: "Only for admins of the server's own tenant" }
const badRequest = 'The request does not have the shape it must have; the message names the field'

const paths: Record<string, Record<string, Operation>> = {
  '/api/config': {
    get: { summary: 'What a page has to know before it joins', answer: pageConfigSchema },
  },
  '/api/auth/config': {
    get: { summary: 'How people become somebody here', answer: authConfigSchema },
  },
  '/api/rooms/{room}/join': {
    post: {
      summary: 'Becomes a participant of a room: a token for its socket, and ICE servers',
      room: true,
      body: joinRequestSchema,
      answer: joinResponseSchema,
      refusals: {
        400: badRequest,
        401: 'An invitation or a sign-in is needed, or the one that was shown is not good',
        403: 'Not for this origin, tenant or person',
        409: 'The room is full',
        413: 'The body is too large',
        429: 'Too many requests of this address; the message says how long to wait',
        503: 'No TURN server, SFU, room store or identity provider is there yet',
      },
    },
  },
  '/api/rooms/{room}/invites': {
    post: {
      summary: 'Makes an invitation, to no more than the maker is',
      room: true,
      secured: 'seat',
      body: inviteRequestSchema,
      answer: inviteResponseSchema,
      refusals: {
        400: badRequest,
        401: 'The token is missing, or not valid any more',
        403: 'Only for hosts, and to no more than they came with',
        429: 'Too many requests of this address; the message says how long to wait',
        503: 'The room store is away',
      },
    },
  },
  '/api/admin/token': {
    post: {
      summary: 'Becomes an admin, who sees how the meetings of a tenant are, without a seat',
      body: adminTokenRequestSchema,
      answer: adminTokenResponseSchema,
      refusals: {
        400: badRequest,
        401: 'A link or a sign-in is needed, or the one that was shown is not good',
        403: 'Not for this origin, or the one who signed in is no admin',
        429: tooMany,
        503: 'No key, or no identity provider, is there yet',
      },
    },
  },
  '/api/admin/costs': {
    get: {
      summary: "What relaying costs the admin's tenant",
      secured: 'admin',
      answer: adminCostsSchema,
      refusals: ofMeter,
    },
  },
  '/api/admin/http': {
    get: {
      summary: 'What this server was asked in the last minutes',
      secured: 'admin',
      answer: trafficLiveSchema,
      refusals: ofServer,
    },
  },
  '/api/admin/http/series': {
    get: {
      summary: 'What this server was asked in the last day, by the hour',
      secured: 'admin',
      answer: trafficSeriesSchema,
      refusals: ofServer,
    },
  },
  '/healthz': { get: { summary: 'The process lives', answer: z.object({ ok: z.boolean() }) } },
  '/readyz': {
    get: {
      summary: 'It can take people in; otherwise 503, with the same answer',
      answer: z.object({ ready: z.boolean(), checks }),
    },
  },
}

/** The HTTP API of signaling as an OpenAPI 3.1 document, made of the schemas that it reads and answers by. */
export function openApiDocument(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley signaling',
      version: 'v1',
      description: 'How a page gets into a room. What is said there goes over Socket.IO.',
    },
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, operations]) => [
        path,
        Object.fromEntries(
          Object.entries(operations).map(([method, one]) => [method, operationOf(one)]),
        ),
      ]),
    ),
    components: {
      securitySchemes: { seat: bearer, admin: bearer },
      schemas: { Error: jsonSchema(protocolErrorSchema, 'output') },
    },
  }
}

function operationOf({ summary, room, body, answer, refusals = {}, secured }: Operation): object {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } })
  return {
    summary,
    ...(secured && { security: [{ [secured]: [] }] }),
    ...(room && {
      parameters: [
        { name: 'room', in: 'path', required: true, schema: jsonSchema(slugSchema, 'input') },
      ],
    }),
    ...(body && { requestBody: { required: true, ...json(jsonSchema(body, 'input')) } }),
    responses: {
      200: { description: summary, ...json(jsonSchema(answer, 'output')) },
      ...Object.fromEntries(
        Object.entries(refusals).map(([status, description]) => [
          status,
          { description, ...json({ $ref: '#/components/schemas/Error' }) },
        ]),
      ),
    },
  }
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io }) as Record<string, unknown>
  return rest
}
