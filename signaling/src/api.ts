import {
  type InviteResponse,
  invitePath,
  inviteRequestSchema,
  type JoinResponse,
  joinRequestSchema,
  moderates,
  type PageConfig,
  type Role,
  slugSchema,
} from '@parley/protocol'
import type { FastifyInstance } from 'fastify'
import type { Admission, AdmissionDeps } from './access/admission.ts'
import { admissionOf } from './access/admission.ts'
import { signInvite } from './access/invite-token.ts'
import { knocks, leastHeir } from './access/policy.ts'
import { atLeast, demand } from './access/powers.ts'
import { countedAs } from './client-address.ts'
import { isTurnedAway, SignalingError } from './errors.ts'
import { bearer, parse } from './http-input.ts'
import type { JoinClaims } from './join-token.ts'
import type { Metrics } from './metrics.ts'
import type { RateLimit } from './rate-limit.ts'
import type { RoomKey, RoomStore } from './rooms/room-store.ts'
import { type SfuAccess, sfuNotReady } from './sfu.ts'
import type { TurnAccess } from './turn.ts'

export type ApiDeps = {
  rooms: RoomStore
  turn: TurnAccess
  sfu: SfuAccess
  metrics: () => Metrics
  limit: RateLimit
  signToken(claims: JoinClaims): Promise<string>
  /** @throws {SignalingError} `unauthenticated` */
  verifyToken(token: unknown): Promise<JoinClaims>
  newParticipantId(): string
  admission: AdmissionDeps
  /** What pages are told before they join. */
  page: PageConfig
  meshMax: number
  roomMax: number
  /** Takes a seat in a room on the SFU for who has no socket yet. Never rejects. @returns the token for the SFU, where it was taken */
  takeSeat(claims: JoinClaims): Promise<string | undefined>
}

type OfRoom = { Params: { room: string } }

/** `/api`: how to become somebody, joining a room, and inviting to it. */
export function serveApi(app: FastifyInstance, deps: ApiDeps): void {
  const { rooms, admission } = deps

  app.get('/api/auth/config', async () => deps.page.auth)
  app.get('/api/config', async () => deps.page)

  app.post<OfRoom>('/api/rooms/:room/join', async (request) => {
    await deps.limit.take(countedAs(request.ip))
    const room = parse(slugSchema, request.params.room, 'room')
    const asked = parse(joinRequestSchema, request.body, 'body')
    const participantId = deps.newParticipantId()
    try {
      const admitted = await admissionOf(asked, room, admission)
      const { tenant, name, role, account } = admitted
      const key = { tenant, room }
      const [inside, expected] = await Promise.all([
        mayEnter(key, participantId, admitted),
        mediaToExpect(key),
      ])
      // Who has to be let in first relays nothing before: the credentials come with the seat.
      const iceServers = inside
        ? deps.turn.iceServers({ ...key, participant: participantId })
        : deps.turn.withoutRelay()
      const claims = { ...key, participant: participantId, name, role, account }
      const token = await deps.signToken(claims)
      // What fails before it costs no invitation, and after it nothing fails.
      await useUp(admitted)
      const seated =
        asked.seat && inside && expected.mode === 'sfu' ? await deps.takeSeat(claims) : undefined
      const media = seated === undefined ? expected : { ...expected, token: seated }
      const self = { participantId, room, tenant, name, role }
      return { token, ...self, iceServers, media } satisfies JoinResponse
    } catch (refused) {
      // Who is turned away here never reaches `room:join`, where the others are counted.
      if (!isTurnedAway(refused)) deps.metrics().joinAttempted()
      throw refused
    }
  })

  app.post<OfRoom>('/api/rooms/:room/invites', async (request) => {
    await deps.limit.take(countedAs(request.ip))
    const room = parse(slugSchema, request.params.room, 'room')
    const host = await deps.verifyToken(bearer(request.headers.authorization))
    const { expiresInSeconds, role, name, once } = parse(inviteRequestSchema, request.body, 'body')
    if (host.room !== room)
      throw new SignalingError('forbidden', 'your token is for another room; invite to that one')
    demand(await roleNow(host), 'invite', role)
    if (!moderates(host.role)) demandLent(host.role, role, expiresInSeconds)
    const { invite, expiresAt } = await signInvite(
      admission.keys()[0] ?? '',
      { room, tenant: host.tenant, role, name, ...(once && { once }) },
      admission.now(),
      expiresInSeconds,
    )
    return { invite, path: invitePath(room, invite), expiresAt } satisfies InviteResponse
  })

  /** Only a courtesy: the seat itself is taken, and counted, when the socket joins. */
  async function mediaToExpect(key: RoomKey): Promise<JoinResponse['media']> {
    const { seats, sfu } = await rooms.occupancy(key)
    const holds = deps.sfu.engine === 'None' ? deps.meshMax : deps.roomMax
    if (seats >= holds)
      throw new SignalingError('room-full', `the room holds ${holds} people; it is full`)
    const onSfu = sfu || seats >= deps.meshMax
    if (onSfu && !deps.sfu.ready()) throw sfuNotReady()
    return onSfu ? { mode: 'sfu', engine: 'LiveKit' } : { mode: 'mesh' }
  }

  /**
   * Whether the door is open to somebody as they come. A new id does not help who was removed, where it can be told
   * who they are.
   */
  async function mayEnter(key: RoomKey, id: string, { account, role }: Admission) {
    const comer = { id, account, knocks: knocks(admission.policy, role), passes: moderates(role) }
    const standing = await rooms.door.standing(key, comer)
    if (standing === 'removed')
      throw new SignalingError('removed', 'a host has removed you from this meeting')
    return standing === 'open'
  }

  async function useUp({ once }: Admission) {
    if (once && !(await rooms.door.spend(once.what, once.holder, once.untilMs)))
      throw new SignalingError(
        'token-used',
        'the invitation has been used; ask for one of your own',
      )
  }

  /** That of the seat, which may be a crown; without a seat that of the token. */
  async function roleNow(claims: JoinClaims): Promise<Role> {
    const { participant: id, account, role } = claims
    const comer = { id, account, knocks: false, passes: true }
    const standing = await rooms.door.standing(claims, comer)
    if (standing !== 'open')
      throw new SignalingError(standing, 'you are not of this meeting any more; join it again')
    const { roles } = await rooms.door.settle(claims, leastHeir(admission.policy))
    return roles.get(id) ?? role
  }
}

/** Of whom nobody made a host, but that nobody else was there: what they grant outlasts the meeting by a day at most. */
const lentInviteSeconds = 86_400

/**
 * Who is host for want of another is host of that meeting alone: their links grant no more than they came with.
 *
 * @throws {SignalingError} `forbidden`
 */
function demandLent(own: Role, granted: Role, expiresInSeconds: number): void {
  if (!atLeast(own, granted))
    throw new SignalingError(
      'forbidden',
      `you are host of this meeting for want of another, and came as ${own}: invite to that, or ask who runs this server for a link of a host`,
    )
  if (expiresInSeconds > lentInviteSeconds)
    throw new SignalingError(
      'forbidden',
      `body.expiresInSeconds: you are host of this meeting for want of another; links of yours hold ${lentInviteSeconds} s at most`,
    )
}
