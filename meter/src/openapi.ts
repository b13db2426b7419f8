import {
  meterTokenHeader,
  relayCostReportSchema,
  relayLoadSchema,
  relaySummarySchema,
  reportDimensions,
} from '@parley/protocol'
import { z } from 'zod'
import { errorSchema, flatPaths, queries } from './api-v1.ts'

const health = z.object({ ok: z.boolean() })
const readiness = health.extend({ troubles: z.record(z.string(), z.string()) })

type Path = {
  summary: string
  query: z.ZodObject
  answer: z.ZodType
  /** Without it anyone in reach is answered. */
  isOpen?: true
}

/** Every path that the meter serves as JSON. */
const paths: Record<string, Path> = {
  '/healthz': { summary: 'The process lives', query: queries.none, answer: health, isOpen: true },
  '/readyz': {
    summary: 'The meter hears coturn and can write its store; otherwise 503 and what is wrong',
    query: queries.none,
    answer: readiness,
    isOpen: true,
  },
  '/report': {
    summary:
      'The relay-cost report, all of it or the rows that cost most; /api/v1/report has pages of rows',
    query: z.strictObject({
      ...queries.rooms.omit({ offset: true, limit: true }).shape,
      by: z
        .string()
        .optional()
        .describe(`Any of ${reportDimensions.join(', ')}, with commas in between; default room.`),
      limit: z.string().optional().describe('Rows at most, those that cost most; default: all.'),
      advice: z
        .enum(['true', 'false'])
        .optional()
        .describe('Whether to say what could cost less, too; default false.'),
    }),
    answer: relayCostReportSchema,
  },
  '/summary': {
    summary: 'Open allocations, users, cost per hour, month to date',
    query: queries.none,
    answer: relaySummarySchema,
  },
  '/load': {
    summary: 'What each TURN pod relays now',
    query: queries.none,
    answer: relayLoadSchema,
  },
  ...flatPaths,
}

/** The meter's HTTP API as an OpenAPI 3.1 document, made of the schemas that it answers by. */
export function openApiDocument(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley meter',
      version: 'v1',
      description:
        'What relaying costs, of one MeetingCluster. All times are UTC, all bytes whole numbers.',
    },
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, about]) => [path, { get: operationOf(about) }]),
    ),
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: meterTokenHeader } },
      schemas: { Error: jsonSchema(errorSchema) },
    },
  }
}

function operationOf({ summary, query, answer, isOpen }: Path): object {
  const failure = (description: string) => ({
    description,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  })
  return {
    summary,
    ...(isOpen ? {} : { security: [{ token: [] }] }),
    parameters: Object.entries(query.shape).map(([name, schema]) => ({
      ...{ name, in: 'query', required: false },
      schema: jsonSchema(schema as z.ZodType),
    })),
    responses: {
      200: {
        description: summary,
        content: { 'application/json': { schema: jsonSchema(answer) } },
      },
      ...(isOpen
        ? {}
        : {
            400: failure('The query cannot be answered; the message says why'),
            401: failure('The token is missing, or another one'),
            503: failure('The store cannot be read; the message says what to do'),
          }),
    },
  }
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema) as Record<string, unknown>
  return rest
}
