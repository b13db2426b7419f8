import { slugSchema, trafficBufferSize } from '@parley/protocol'
import { z } from 'zod'
import type { OidcConfig } from './access/oidc.ts'
import type { AccessPolicy } from './access/policy.ts'
import { type TrustedProxies, trustOf } from './client-address.ts'
import type { MeetingMetricsConfig } from './meeting-metrics/open-meeting-metrics.ts'
import type { TrafficConfig } from './traffic/open-traffic.ts'

const seconds = (fallback: number) => z.coerce.number().int().positive().default(fallback)
const flag = z.enum(['true', 'false'], { error: 'must be true or false' }).default('true')
const file = z.string().min(1, 'must name a file')

const envSchema = z.object({
  HOST: z.string().default('0.0.0.0'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  PARLEY_CLUSTER: z.string().default('local'),
  PARLEY_REGION: z.string().default('local'),
  PARLEY_DOMAIN: z.string().optional(),
  PARLEY_TENANT: slugSchema.default('default'),
  PARLEY_ALLOWED_ORIGINS: z.string().default(''),
  PARLEY_MESH_MAX: z.coerce.number().int().min(2).max(64).default(8),
  PARLEY_MESH_RETURN_SECONDS: z.literal('off').or(z.coerce.number().min(0)).default(30),
  PARLEY_ROOM_MAX: z.coerce.number().int().min(2).max(1000).default(100),
  PARLEY_SFU: z.enum(['LiveKit', 'None']).default('None'),
  PARLEY_SFU_KEYS_FILE: file.optional(),
  PARLEY_SFU_API: z.url({ protocol: /^https?$/ }).optional(),
  PARLEY_DRAIN_SECONDS: z.coerce.number().min(0).default(0),
  PARLEY_TURN: z.enum(['Coturn', 'None']).default('Coturn'),
  PARLEY_TURN_SECRET_FILE: file,
  PARLEY_TURN_ENDPOINTS_FILE: file,
  PARLEY_TURN_TTL_SECONDS: seconds(3600),
  PARLEY_JOIN_KEY_FILE: file,
  PARLEY_JOIN_TTL_SECONDS: seconds(12 * 3600),
  PARLEY_GRACE_SECONDS: z.coerce.number().min(0).default(5),
  PARLEY_LEASE_SECONDS: z.coerce.number().positive().default(15),
  PARLEY_MESSAGES_PER_SECOND: z.coerce.number().int().positive().default(50),
  PARLEY_JOINS_PER_SECOND: z.coerce.number().int().positive().default(20),
  PARLEY_REQUEST_SECONDS: z.coerce.number().positive().default(15),
  PARLEY_HSTS_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .default(365 * 24 * 3600),
  PARLEY_AUTH_MODE: z.enum(['Token', 'OIDC']).default('Token'),
  PARLEY_GUESTS: z.enum(['Admit', 'Knock', 'Refuse']).default('Admit'),
  PARLEY_OIDC_ISSUER: z.url({ protocol: /^https?$/ }).optional(),
  PARLEY_OIDC_CLIENT_ID: z.string().optional(),
  PARLEY_OIDC_ROLES_CLAIM: z.string().default('roles'),
  PARLEY_OIDC_HOST_ROLE: z.string().default('parley-host'),
  PARLEY_OIDC_ADMIN_ROLE: z.string().default('parley-admin'),
  PARLEY_OIDC_MEMBER_ROLE: z.string().default(''),
  PARLEY_OIDC_TENANT_CLAIM: z.string().default(''),
  PARLEY_OIDC_SCOPE: z
    .string()
    .regex(/(^| )openid( |$)/, 'has no openid')
    .default('openid profile'),
  PARLEY_OIDC_ORIGINS: z.string().default(''),
  PARLEY_ERRORS_DSN: z.url({ protocol: /^https?$/ }).optional(),
  PARLEY_ERRORS_PAGE_DSN: z.url({ protocol: /^https?$/ }).optional(),
  PARLEY_RELEASE: z.string().default('0.0.0'),
  PARLEY_TRUSTED_HOPS: z.coerce.number().int().min(0).max(8).default(0),
  PARLEY_TRUSTED_PROXIES: z.string().default(''),
  PARLEY_WEBAPP_DIR: z.string().optional(),
  PARLEY_METER_API: z.url({ protocol: /^https?$/ }).optional(),
  PARLEY_METER_TOKEN_FILE: file.optional(),
  PARLEY_ADMIN_ENABLED: flag,
  METRICS_ENABLED: flag,
  METRICS_HTTP_ENABLED: flag,
  METRICS_BUFFER_SIZE: z.coerce.number().int().positive().default(trafficBufferSize),
  METRICS_FOLDER: z.string().optional(),
  WEBRTC_METRICS_ENABLED: flag,
  WEBRTC_STATS_INTERVAL: z.coerce.number().int().min(500).max(60_000).default(1000),
  WEBRTC_EMIT_THROTTLE: z.coerce.number().int().min(7000).max(60_000).default(10_000),
  WEBRTC_BROADCAST_THROTTLE: z.coerce.number().int().min(250).max(60_000).default(2000),
  REDIS_METRICS_TTL: seconds(300),
  REDIS_URL_FILE: z.string().optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

/** How a signaling server runs. Files hold what is secret or changes; the rest stands here. */
export type SignalingConfig = {
  host: string
  /** 0 takes a free port. */
  port: number
  cluster: string
  region: string
  /** Public host name; pages of `https://<domain>` may call this server. */
  domain?: string
  /** Tenant of those who name none. */
  tenant: string
  /** Origins besides the server's own whose pages may call it, or `*` for all. */
  allowedOrigins: '*' | string[]
  /** Participants that are still a mesh; without an SFU a room holds no more. */
  meshMax: number
  /**
   * A room on the SFU with fewer than `meshMax` and no newcomer for so long is a mesh again; `off` in the
   * environment: never.
   */
  meshReturnMs: number
  /** Participants that a room on the SFU holds at most. */
  roomMax: number
  /** Without it there is no SFU. */
  sfu?: {
    /** LiveKit keys, one `<apiKey>: <secret>` a line; the first mints. */
    keysFile: string
    /** Where its API is: whoever leaves is removed there. */
    url: string
  }
  /** How long SIGTERM waits for clients to move to another replica. */
  drainMs: number
  /** False where there is no TURN server, so that nobody waits for one: the endpoints are STUN alone. */
  turnExpected: boolean
  /** TURN REST API secrets, one a line; the first mints. Re-read on change. */
  turnSecretFile: string
  /** `{ "urls": ["turn:…"] }`, re-read on change. */
  turnEndpointsFile: string
  turnTtlSeconds: number
  /** Keys that sign join tokens, one a line; the first signs. Re-read on change. */
  joinKeyFile: string
  /** Long enough to outlive every reconnection of a meeting. */
  joinTtlSeconds: number
  /** How long a participant whose socket is gone keeps the seat. */
  graceMs: number
  /** How long a seat lives without its replica renewing it. */
  leaseMs: number
  /** Sustained messages a second and socket; bursts of six times that pass. */
  messagesPerSecond: number
  /** Sustained calls of the join API a second and client address; bursts of ten times that pass. */
  joinsPerSecond: number
  /** How long a request may take to arrive, head and body. */
  requestMs: number
  /** What answers over TLS say of how long browsers are to come over it only; 0: nothing. */
  hstsSeconds: number
  /** Who may come to a room. */
  access: AccessPolicy
  /** The identity provider of mode OIDC, and what pages ask it for. */
  oidc?: OidcConfig & { scope: string; origins: string[] }
  /** Where faults are reported, by the protocol of Sentry: those of this server, and of its pages. */
  errors: { dsn?: string; pageDsn?: string; release: string }
  /** Who in front of this server says where a request comes from. */
  proxies: TrustedProxies
  /** Folder of a built webapp to serve besides the API. */
  webappDir?: string
  /** Whether anybody is an admin: without it nobody is let onto the admin page. */
  adminEnabled: boolean
  /** The meter that admins are told of, and the file with its token; left out: none. */
  meter?: { url: string; tokenFile: string }
  /** File with `redis://…`; without it rooms live in this process. */
  redisUrlFile?: string
  /** What is counted for the meter, which wants Redis; left out: nothing. */
  traffic?: TrafficConfig
  /** What pages say of their calls; left out: they are not asked. */
  meetingMetrics?: MeetingMetricsConfig
  /** Whether requests are among it. */
  countsHttp: boolean
  logLevel: z.infer<typeof envSchema>['LOG_LEVEL']
}

/** The environment does not describe a server; the message names each variable and its fix. */
export class ConfigError extends Error {
  readonly code = 'config'
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigError'
  }
}

const remedies: Record<string, string> = {
  PARLEY_TURN_SECRET_FILE: 'set it to a file that holds the TURN secrets, one a line, newest first',
  PARLEY_TURN_ENDPOINTS_FILE:
    'set it to a JSON file like {"urls": ["turn:192.0.2.1:3478?transport=udp"]}',
  PARLEY_JOIN_KEY_FILE: 'set it to a file that holds a random key (openssl rand -hex 32)',
  PARLEY_SFU_KEYS_FILE: 'set it to a file that holds LiveKit keys, "<apiKey>: <secret>" a line',
  PARLEY_SFU_API: 'set it to where LiveKit listens, like http://livekit:7880',
  PARLEY_OIDC_ISSUER: 'set it to the URL of the identity provider, exactly as its tokens have it',
  PARLEY_OIDC_CLIENT_ID: 'set it to the client id that the identity provider knows the page by',
  PARLEY_ALLOWED_ORIGINS: 'give origins like https://meet.example.org, separated by commas, or *',
  PARLEY_OIDC_ORIGINS: 'give origins like https://tokens.example.org, separated by commas',
  PARLEY_OIDC_SCOPE: 'name what pages ask for, like "openid profile groups"',
  PARLEY_ERRORS_DSN: 'set it to the DSN of a project, like https://key@errors.example.org/1',
  PARLEY_ERRORS_PAGE_DSN: 'set it to the DSN of a project, like https://key@errors.example.org/2',
  PARLEY_METER_API: 'set it to where the meter listens, like http://demo-meter:8090',
  PARLEY_METER_TOKEN_FILE: 'set it to a file that holds the token of the meter',
  PARLEY_TRUSTED_PROXIES: 'give ranges like 10.0.0.0/8 or fd00::/8, separated by commas',
}

/** @throws {ConfigError} naming every wrong variable */
export function parseConfig(env: Record<string, string | undefined>): SignalingConfig {
  // An empty variable is one that was not set: that is how manifests blank a default. So is one of spaces, which would be 0.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ''))
  const parsed = envSchema.safeParse(given)
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues
        .map(({ path, message }) => describe(path.join('.'), message, given))
        .join('\n'),
    )
  const e = parsed.data
  return {
    host: e.HOST,
    port: e.PORT,
    cluster: e.PARLEY_CLUSTER,
    region: e.PARLEY_REGION,
    ...(e.PARLEY_DOMAIN && { domain: e.PARLEY_DOMAIN }),
    tenant: e.PARLEY_TENANT,
    allowedOrigins: parseAllowed(e.PARLEY_ALLOWED_ORIGINS),
    meshMax: e.PARLEY_MESH_MAX,
    // Further off than any meeting is long, and a number that Redis knows, too.
    meshReturnMs:
      e.PARLEY_MESH_RETURN_SECONDS === 'off'
        ? Number.MAX_SAFE_INTEGER
        : e.PARLEY_MESH_RETURN_SECONDS * 1000,
    roomMax: e.PARLEY_ROOM_MAX,
    ...(e.PARLEY_SFU === 'LiveKit' && {
      sfu: {
        keysFile: e.PARLEY_SFU_KEYS_FILE ?? missing('PARLEY_SFU_KEYS_FILE'),
        url: e.PARLEY_SFU_API ?? missing('PARLEY_SFU_API'),
      },
    }),
    drainMs: e.PARLEY_DRAIN_SECONDS * 1000,
    turnExpected: e.PARLEY_TURN === 'Coturn',
    turnSecretFile: e.PARLEY_TURN_SECRET_FILE,
    turnEndpointsFile: e.PARLEY_TURN_ENDPOINTS_FILE,
    turnTtlSeconds: e.PARLEY_TURN_TTL_SECONDS,
    joinKeyFile: e.PARLEY_JOIN_KEY_FILE,
    joinTtlSeconds: e.PARLEY_JOIN_TTL_SECONDS,
    graceMs: e.PARLEY_GRACE_SECONDS * 1000,
    leaseMs: e.PARLEY_LEASE_SECONDS * 1000,
    messagesPerSecond: e.PARLEY_MESSAGES_PER_SECOND,
    joinsPerSecond: e.PARLEY_JOINS_PER_SECOND,
    requestMs: e.PARLEY_REQUEST_SECONDS * 1000,
    hstsSeconds: e.PARLEY_HSTS_SECONDS,
    access: { mode: e.PARLEY_AUTH_MODE, guests: e.PARLEY_GUESTS },
    ...(e.PARLEY_AUTH_MODE === 'OIDC' && {
      oidc: {
        issuer: e.PARLEY_OIDC_ISSUER ?? missing('PARLEY_OIDC_ISSUER'),
        clientId: e.PARLEY_OIDC_CLIENT_ID ?? missing('PARLEY_OIDC_CLIENT_ID'),
        rolesClaim: e.PARLEY_OIDC_ROLES_CLAIM,
        hostRole: e.PARLEY_OIDC_HOST_ROLE,
        adminRole: e.PARLEY_OIDC_ADMIN_ROLE,
        memberRole: e.PARLEY_OIDC_MEMBER_ROLE,
        tenantClaim: e.PARLEY_OIDC_TENANT_CLAIM,
        scope: e.PARLEY_OIDC_SCOPE,
        origins: parseOrigins('PARLEY_OIDC_ORIGINS', e.PARLEY_OIDC_ORIGINS),
      },
    }),
    errors: {
      ...(e.PARLEY_ERRORS_DSN && { dsn: e.PARLEY_ERRORS_DSN }),
      ...(e.PARLEY_ERRORS_PAGE_DSN && { pageDsn: e.PARLEY_ERRORS_PAGE_DSN }),
      release: e.PARLEY_RELEASE,
    },
    proxies: { hops: e.PARLEY_TRUSTED_HOPS, ranges: parseRanges(e.PARLEY_TRUSTED_PROXIES) },
    ...(e.PARLEY_WEBAPP_DIR && { webappDir: e.PARLEY_WEBAPP_DIR }),
    adminEnabled: e.PARLEY_ADMIN_ENABLED === 'true',
    ...(e.PARLEY_METER_API && {
      meter: {
        url: e.PARLEY_METER_API,
        tokenFile: e.PARLEY_METER_TOKEN_FILE ?? missing('PARLEY_METER_TOKEN_FILE'),
      },
    }),
    ...(e.REDIS_URL_FILE && { redisUrlFile: e.REDIS_URL_FILE }),
    ...(e.METRICS_ENABLED === 'true' && {
      traffic: {
        bufferSize: e.METRICS_BUFFER_SIZE,
        ...(e.METRICS_FOLDER && { folder: e.METRICS_FOLDER }),
      },
    }),
    ...(e.WEBRTC_METRICS_ENABLED === 'true' && {
      meetingMetrics: {
        statsMs: e.WEBRTC_STATS_INTERVAL,
        emitMs: e.WEBRTC_EMIT_THROTTLE,
        throttleMs: e.WEBRTC_BROADCAST_THROTTLE,
        ttlMs: e.REDIS_METRICS_TTL * 1000,
        bufferSize: e.METRICS_BUFFER_SIZE,
        // At the default rate of messages one a second, of which pages need a sixth at most.
        eventsPerSecond: Math.max(0.2, e.PARLEY_MESSAGES_PER_SECOND / 50),
      },
    }),
    countsHttp: e.METRICS_HTTP_ENABLED === 'true',
    logLevel: e.LOG_LEVEL,
  }
}

function missing(variable: string): never {
  throw new ConfigError(describe(variable, '', {}))
}

function describe(variable: string, message: string, env: Record<string, unknown>): string {
  const problem = variable in env ? message : 'is not set'
  const remedy = remedies[variable]
  return remedy ? `${variable}: ${problem}; ${remedy}` : `${variable}: ${problem}`
}

function parseAllowed(list: string): '*' | string[] {
  return parseList(list).includes('*') ? '*' : parseOrigins('PARLEY_ALLOWED_ORIGINS', list)
}

function parseOrigins(variable: string, list: string): string[] {
  return parseList(list).map((origin) => {
    // `new URL(x).origin` gives the form in which browsers send it.
    const parsed = URL.canParse(origin) ? new URL(origin).origin : 'null'
    if (parsed === 'null')
      throw new ConfigError(`${variable}: "${origin}" is no origin; ${remedies[variable]}`)
    return parsed
  })
}

function parseRanges(list: string): string[] {
  const ranges = parseList(list)
  try {
    trustOf({ hops: 0, ranges })
  } catch (cause) {
    throw new ConfigError(
      `PARLEY_TRUSTED_PROXIES: ${(cause as Error).message}; ${remedies.PARLEY_TRUSTED_PROXIES}`,
      { cause },
    )
  }
  return ranges
}

function parseList(list: string): string[] {
  return list
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}
