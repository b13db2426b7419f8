import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PageConfig } from '@parley/protocol'
import { type Logger, pino } from 'pino'
import type { Registry } from 'prom-client'
import { Server } from 'socket.io'
import { looksLikeAdminToken, verifyAdminToken } from './access/admin-token.ts'
import { oidcOf } from './access/oidc.ts'
import { authConfigOf } from './access/policy.ts'
import { meterReader } from './admin/meter-reader.ts'
import { clientAddress, countedAs, trustOf } from './client-address.ts'
import { type Clock, systemClock } from './clock.ts'
import { ConfigError, type SignalingConfig } from './config.ts'
import { SignalingError } from './errors.ts'
import { type FaultReports, faultReports, noFaultReports } from './faults/fault-reports.ts'
import { reportingLog } from './faults/reporting-log.ts'
import { channelOf } from './gateway/channels.ts'
import { serveMeetings } from './gateway/serve-meetings.ts'
import type { MeetingServer } from './gateway/types.ts'
import { createHttp } from './http.ts'
import { type JoinClaims, signJoinToken, verifyJoinToken } from './join-token.ts'
import { parseKeyList } from './key-list.ts'
import { openMeetingMetrics } from './meeting-metrics/open-meeting-metrics.ts'
import { createMetrics } from './metrics.ts'
import { originAllowed } from './origins.ts'
import { newParticipantId } from './participant-id.ts'
import { rateLimit } from './rate-limit.ts'
import { createLinkMetrics } from './reasons/link-metrics.ts'
import { linkReports } from './reasons/link-reports.ts'
import { openRooms } from './rooms/open-rooms.ts'
import { securityHeaders } from './security-headers.ts'
import { noSfu, watchLiveKit } from './sfu.ts'
import { watchSfuNodes } from './sfu-nodes.ts'
import { keepSfuPlaces } from './sfu-places.ts'
import { openTraffic } from './traffic/open-traffic.ts'
import { registerTraffic } from './traffic/prometheus.ts'
import { watchTurn } from './turn.ts'
import { watchFile } from './watched-file.ts'

export type SignalingDeps = {
  clock?: Clock
  log?: Logger
  registry?: Registry
}

export type Signaling = {
  /** Where it listens, `http://127.0.0.1:8080`. */
  url: string
  /**
   * Gets its clients to move to other replicas, while this one still serves them; until all have,
   * or PARLEY_DRAIN_SECONDS are over.
   */
  drain(): Promise<void>
  /** To be told of what ends the process, before it does. */
  reportCrash(fault: unknown): Promise<void>
  /** Stops taking part, hands seats over to other replicas, closes sockets and files. */
  close(): Promise<void>
}

/** A message may be this long; more ends the connection, as it never becomes a message. */
const transportBytes = 1_000_000
/** A connection that asks for no namespace is ended. */
const connectMs = 10_000
/** Sustained rate at which one participant may open sockets; ten times that in a burst. */
const userConnectionsPerSecond = 3
/** Clients are told to move within this time, so that they do not come to another replica at once. */
const handOverSpreadMs = 5000

/**
 * Starts a signaling server and resolves when it listens.
 *
 * @throws {ConfigError} when the port is taken, or when what the configuration names is not there
 */
export async function startSignaling(
  config: SignalingConfig,
  deps: SignalingDeps = {},
): Promise<Signaling> {
  const { clock = systemClock, registry } = deps
  const reports = reportsOf(config, clock)
  const log = reportingLog(deps.log ?? pino({ level: config.logLevel }), reports)
  const { store: rooms, redis, adapter, onConnected, release } = openRooms(config, clock, log)
  const onProblem = (error: Error) => log.warn({ problem: error.message }, 'file not usable')
  const joinKeys = watchFile(config.joinKeyFile, parseKeyList, onProblem)
  const turn = watchTurn({
    endpointsFile: config.turnEndpointsFile,
    secretFile: config.turnSecretFile,
    ttlSeconds: config.turnTtlSeconds,
    expected: config.turnExpected,
    now: clock.now,
    onProblem,
  })

  const sfu =
    config.sfu === undefined
      ? noSfu
      : watchLiveKit({
          ...config.sfu,
          ttlSeconds: config.turnTtlSeconds,
          now: clock.now,
          onProblem,
        })

  const keys = () => {
    const list = joinKeys.current()
    if (!list)
      throw new SignalingError('unavailable', 'no join key is ready yet; try again shortly')
    return list
  }
  const origins = {
    allowed: config.allowedOrigins,
    ...(config.domain !== undefined && { domain: config.domain }),
  }
  let serving = true
  const metrics = createMetrics(
    {
      participantsByRoom: () => gateway.participantsByRoom(),
      sockets: () => gateway.sockets(),
      roomShares: () => gateway.roomShares(),
    },
    registry,
  )
  const signToken = async (claims: JoinClaims) =>
    signJoinToken(keys()[0], claims, clock.now(), config.joinTtlSeconds)

  const verifyToken = async (token: unknown) => verifyJoinToken(keys(), token, clock.now())
  const oidc = config.oidc && oidcOf(config.oidc, clock.now)
  /** Over all replicas, where they share a Redis. */
  const shared = (what: string) =>
    redis && { redis, prefix: `parley:${config.cluster}:limit:${what}` }
  const joins = config.joinsPerSecond
  const traffic =
    config.traffic &&
    redis &&
    openTraffic(config.traffic, { redis, cluster: config.cluster, clock, log })
  if (traffic) registerTraffic(metrics.registry, traffic.outbox)

  const meterToken =
    config.meter && watchFile(config.meter.tokenFile, (text) => text.trim(), onProblem)
  const meter =
    config.meter &&
    meterReader({
      ...{ url: config.meter.url, now: clock.now, log },
      token: () => meterToken?.current() || undefined,
    })

  const trust = trustOf(config.proxies)
  const connectTo = originsOf(config)

  const app = createHttp({
    trust,
    connectTo,
    meter,
    adminEnabled: config.adminEnabled,
    rooms,
    turn,
    sfu,
    metrics: () => metrics,
    limit: rateLimit(joins, joins * 10, shared('joins')),
    origins,
    log,
    signToken,
    verifyToken,
    newParticipantId: () => newParticipantId(clock.now()),
    admission: {
      policy: config.access,
      oidc,
      keys,
      now: clock.now,
      tenant: config.tenant,
    },
    page: pageConfigOf(config),
    requestMs: config.requestMs,
    hstsSeconds: config.hstsSeconds,
    meshMax: config.meshMax,
    roomMax: config.roomMax,
    takeSeat: (claims) => gateway.takeSeat(claims),
    serving: () => serving,
    canSign: () => joinKeys.current() !== undefined,
    ...(config.webappDir !== undefined && { webappDir: config.webappDir }),
    ...(traffic && config.countsHttp && { counts: traffic }),
  })

  const io: MeetingServer = new Server(app.server, {
    serveClient: false,
    maxHttpBufferSize: transportBytes,
    connectTimeout: connectMs,
    ...(adapter && { adapter }),
    cors: { origin: (origin, allow) => allow(null, origin ?? false) },
    // Whoever connects to a server that is going would have to move again at once. Requests of
    // sockets that are here already carry their id.
    allowRequest: (request, allow) =>
      allow(
        null,
        originAllowed(request.headers, origins) && (serving || /[?&]sid=/.test(request.url ?? '')),
      ),
  })
  // Of polling and of handshakes, which Socket.IO answers by itself.
  const headers = securityHeaders(connectTo)
  io.engine.on('headers', (answered: Record<string, string>) => {
    Object.assign(answered, headers)
  })
  const addressOf = (request: IncomingMessage) => countedAs(clientAddress(request, trust))
  const countLinks = createLinkMetrics(metrics.registry)
  const gateway = serveMeetings({
    io,
    rooms,
    alone: adapter === undefined,
    turn,
    sfu,
    linkReports: linkReports({
      ...{ redis, cluster: config.cluster, now: clock.now, log },
      onReport(from, report) {
        countLinks(from.participant, report)
        meetingMetrics?.lastHour.noteLink(from, report)
      },
    }),
    limit: rateLimit(config.messagesPerSecond, config.messagesPerSecond * 6),
    metrics: () => metrics,
    clock,
    log,
    verifyToken,
    addressOf,
    connections: {
      // Of everybody behind one address, who may all come back at once.
      ofAddress: rateLimit(joins * 10, joins * 100, shared('address')),
      ofUser: rateLimit(userConnectionsPerSecond, userConnectionsPerSecond * 10, shared('user')),
    },
    signToken,
    access: config.access,
    tenant: config.tenant,
    meshMax: config.meshMax,
    meshReturnMs: config.meshReturnMs,
    roomMax: config.roomMax,
    graceMs: config.graceMs,
    leaseMs: config.leaseMs,
    absentMs: 2 * config.leaseMs,
    random: Math.random,
  })

  const reporters = {
    ofAddress: rateLimit(joins * 10, joins * 100, shared('metrics-address')),
    ofUser: rateLimit(userConnectionsPerSecond, userConnectionsPerSecond * 10, shared('metrics')),
  }
  const meetingMetrics =
    config.meetingMetrics &&
    openMeetingMetrics(config.meetingMetrics, {
      ...{ io, rooms, redis, cluster: config.cluster, clock, log, registry: metrics.registry },
      record: traffic?.record,
      adminEnabled: config.adminEnabled,
      async admit(request, token) {
        await reporters.ofAddress.take(addressOf(request))
        if (looksLikeAdminToken(token)) {
          const admin = await verifyAdminToken(keys(), token, clock.now())
          await reporters.ofUser.take(admin.id)
          return { admin }
        }
        const seat = await verifyToken(token)
        await reporters.ofUser.take(seat.participant)
        return { seat }
      },
    })

  // LiveKit's own lists are in the Redis that both have.
  const beginAnew = (rooms: string[]) => void io.to(rooms.map(channelOf)).emit('sfu:lost')
  const beginAnewHere = (rooms: string[]) => void io.local.to(rooms.map(channelOf)).emit('sfu:lost')
  const sfuWatches =
    config.sfu && redis
      ? [
          watchSfuNodes({ redis, clock, log, onLost: beginAnew }),
          keepSfuPlaces({
            ...{ redis, clock, log },
            rooms: gateway.sfuRooms,
            onSplit: beginAnewHere,
          }),
        ]
      : []

  let closed = false
  let cancelBeat = () => {}
  const beat = (afterMs = config.leaseMs / 3) => {
    cancelBeat = clock.after(afterMs, async () => {
      const renewed = await gateway.heartbeat()
      // What could not be renewed is in a hurry.
      if (!closed) beat(renewed ? undefined : config.leaseMs / 15)
    })
  }

  // What was not renewed while the store was away is renewed before anyone may sweep it.
  onConnected(() => void gateway.heartbeat())

  const close = async () => {
    serving = false
    closed = true
    cancelBeat()
    // Closing the transports, not the sockets: clients take it for a lost connection and return.
    await io.close()
    await gateway.drain()
    await meetingMetrics?.close()
    await app.close()
    await traffic?.close()
    await rooms.close()
    release()
    joinKeys.close()
    meterToken?.close()
    turn.close()
    sfu.close()
    for (const watch of sfuWatches) watch.close()
    await reports.close()
  }

  try {
    await app.listen({ host: config.host, port: config.port })
  } catch (cause) {
    await close()
    throw listenError(config, cause)
  }
  beat()
  const { port } = app.server.address() as AddressInfo
  const url = `http://${urlHost(config.host)}:${port}`
  log.info({ url, cluster: config.cluster, region: config.region }, 'signaling started')

  return {
    url,
    async drain() {
      serving = false
      if (config.drainMs === 0) return
      await gateway.handOver(Math.min(handOverSpreadMs, config.drainMs / 2), config.drainMs)
    },
    async reportCrash(fault) {
      reports.report(fault, 'crash')
      await reports.close()
    },
    async close() {
      await close()
      log.info({}, 'signaling stopped')
    },
  }
}

/** Where pages of this server connect to, besides it: to sign in, and to report their faults. */
function originsOf({ oidc, errors }: SignalingConfig): string[] {
  const urls = [oidc?.issuer, ...(oidc?.origins ?? []), errors.pageDsn]
  return [...new Set(urls.flatMap((url) => (url === undefined ? [] : [new URL(url).origin])))]
}

function reportsOf({ errors, cluster, region }: SignalingConfig, clock: Clock): FaultReports {
  const { dsn, release } = errors
  if (dsn === undefined) return noFaultReports
  return faultReports(dsn, { release, environment: cluster, region }, clock.now)
}

function pageConfigOf(config: SignalingConfig): PageConfig {
  const { access, oidc, errors, cluster, meetingMetrics } = config
  const { pageDsn: dsn, release } = errors
  return {
    auth: authConfigOf(access, oidc),
    ...(dsn !== undefined && { errors: { dsn, environment: cluster, release } }),
    ...(meetingMetrics && {
      metrics: { statsMs: meetingMetrics.statsMs, emitMs: meetingMetrics.emitMs },
    }),
  }
}

function listenError({ host, port }: SignalingConfig, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE')
    return new ConfigError(`PORT: ${port} is in use; stop what holds it or set another`, { cause })
  if (code === 'EADDRNOTAVAIL')
    return new ConfigError(`HOST: ${host} is no address of this machine`, { cause })
  return cause
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
