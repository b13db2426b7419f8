import { type Knocker, moderates, type Participant, type Role } from '@parley/protocol'
import { knocks, leastHeir } from '../access/policy.ts'
import { SignalingError } from '../errors.ts'
import type { JoinClaims } from '../join-token.ts'
import type { Came, Comer, Mark, RoomState, Standing } from '../rooms/room-door.ts'
import { type RoomKey, roomName } from '../rooms/room-store.ts'
import { channel, hostChannel, knockerChannel, lobbyChannel, peerChannel } from './channels.ts'
import { toError } from './refusals.ts'
import type { LocalSeats } from './seats.ts'
import type { GatewayDeps, LocalSeat, MeetingSocket } from './types.ts'

/** Who comes in, who waits, and who rules: what the rooms' doors say, told to those whom it concerns. */
export type Doorkeeper = {
  /** @throws {SignalingError} where the door is not open to them, with what to do */
  admit(claims: JoinClaims): Promise<void>
  /** After a seat was taken: the room as its owner is to see it. */
  welcome(seat: LocalSeat, participants: readonly Participant[]): Promise<Welcome>
  /** Finds a host for a room that has none, as one has left or somebody has come, and tells everybody. Never rejects. */
  crown(key: RoomKey, came?: Came): Promise<void>
  /** The role that somebody has now. @throws {SignalingError} `not-found` where nobody of that id has a seat */
  roleOf(key: RoomKey, id: string): Promise<Role>
  rolesIn(key: RoomKey): Promise<ReadonlyMap<string, Role>>
  knock(socket: MeetingSocket): Promise<void>
  /** False where nobody of that id waits. */
  answer(key: RoomKey, id: string, admitted: boolean): Promise<boolean>
  setLocked(key: RoomKey, locked: boolean): Promise<boolean>
  /** Whoever waits may try again. */
  retry(key: RoomKey): void
  /** If the socket waited, it does not any more. Never rejects. */
  gone(socket: MeetingSocket): Promise<void>
  /** Ends the socket of somebody who was removed, on whichever replica it is. */
  showOut(key: RoomKey, id: string): void
  /** Ends the sockets of everybody in the room and before it. */
  close(key: RoomKey): void
  /**
   * With each heartbeat, around the renewal of seats: whoever waits here goes on waiting, whoever was removed is
   * gone, and a store that has lost its data learns what was locked.
   */
  round<T>(renew: () => Promise<T>): Promise<T>
}

type Welcome = {
  self: Participant
  participants: Participant[]
  locked: boolean
  lobby: Knocker[]
}

type Waiting = { key: RoomKey; claims: JoinClaims; knocker: Knocker; socket: MeetingSocket }

const refusals: Record<Exclude<Standing, 'open'>, string> = {
  waiting: 'a host has to let you in; knock',
  locked: 'the room is locked; knock, and a host may let you in',
  denied: 'a host did not let you in',
  removed: 'a host has removed you from this meeting',
  ended: 'a host has ended this meeting',
}

/** After a start it is believed who says that they were host. */
const memoryMs = 60_000

export function doorkeeperOf(
  { io, rooms, alone, access, clock, log }: GatewayDeps,
  seats: LocalSeats,
): Doorkeeper {
  const { door } = rooms
  const least = leastHeir(access)
  const startedAt = clock.now()
  /** Without a store of their own rooms begin anew with the process; whoever was in one comes back at once. */
  const forgetful = () => alone && clock.now() - startedAt < memoryMs
  /** By socket id. */
  const waiting = new Map<string, Waiting>()
  /** Names of rooms that were locked when last seen. */
  const locked = new Set<string>()

  const comerOf = ({ participant: id, account, role }: JoinClaims): Comer => ({
    id,
    account,
    knocks: knocks(access, role),
    passes: moderates(role),
  })
  const note = (key: RoomKey, isLocked: boolean) => {
    if (isLocked) locked.add(roomName(key))
    else locked.delete(roomName(key))
  }

  /** Those whose role is another one hear of it, and of who waits where they rule now. */
  function tell(key: RoomKey, { roles, changed, lobby }: RoomState) {
    for (const seat of seats.byRoom().get(roomName(key)) ?? []) {
      const { id, role } = seat.participant
      seat.crowned = !moderates(role) && moderates(roles.get(id) ?? role)
    }
    for (const id of changed) {
      const role = roles.get(id)
      if (!role) continue
      const theirs = io.in(peerChannel(key, id))
      if (moderates(role)) {
        theirs.socketsJoin(hostChannel(key))
        for (const knocker of lobby) theirs.emit('lobby:knocking', knocker)
      } else theirs.socketsLeave(hostChannel(key))
      io.to(channel(key)).emit('participant:role', { id, role })
    }
  }

  async function rolesIn(key: RoomKey) {
    const state = await door.settle(key, least)
    tell(key, state)
    return state.roles
  }

  function tellHosts(key: RoomKey, id: string) {
    io.to(hostChannel(key)).emit('lobby:gone', { id })
  }

  /**
   * Those here are told directly: what is said to all goes by way of Redis also to them, and would come after the
   * end of their sockets.
   */
  function end(channels: string[], event: Ending) {
    const ids = channels.flatMap((name) => [...(io.sockets.adapter.rooms.get(name) ?? [])])
    for (const socket of ids.map((id) => io.sockets.sockets.get(id))) {
      socket?.emit(event)
      socket?.disconnect(true)
    }
    const elsewhere = io.in(channels)
    elsewhere.emit(event)
    elsewhere.disconnectSockets(true)
  }

  /** Those in whose place somebody else has come. */
  function seeOff(key: RoomKey, ids: string[], sfu: boolean) {
    for (const id of ids) {
      end([peerChannel(key, id)], 'session:replaced')
      seats.dismiss({ key, participant: { id }, sfu })
    }
    seats.announceLeft(key, ids)
  }

  /** Whoever waited does not any more: gone, let in, or come in where it was unlocked. */
  async function gone(socket: MeetingSocket) {
    const mine = waiting.get(socket.id)
    if (!mine) return
    waiting.delete(socket.id)
    const { key, knocker } = mine
    try {
      if (await door.withdraw(key, knocker.id, socket.id)) tellHosts(key, knocker.id)
    } catch (error) {
      // The store is away: the place in the lobby runs out by itself.
      log.warn({ ...key, code: toError(error, log).code }, 'lobby not left')
    }
  }

  async function knockAgain({ key, claims, knocker, socket }: Waiting) {
    const comer = comerOf(claims)
    const { standing, first, full } = await door.knock(key, comer, knocker, socket.id)
    if (full)
      throw new SignalingError(
        'rate-limited',
        'so many wait before this room that nobody else can; try again shortly',
      )
    if (standing === 'waiting' || standing === 'locked') {
      if (first) io.to(hostChannel(key)).emit('lobby:knocking', knocker)
      return
    }
    await gone(socket)
    if (standing === 'ended') socket.emit('room:ended')
    else socket.emit(standing === 'open' ? 'lobby:admitted' : 'lobby:denied')
  }

  /** @returns the room's key, where the store knows nothing of a room that was locked */
  async function inspect(here: LocalSeat[]): Promise<RoomKey | undefined> {
    const key = here[0]?.key
    if (!key) return undefined
    const { marks, locked: isLocked } = await door.watch(
      key,
      here.map(({ participant }) => participant.id),
    )
    for (const { participant } of here) {
      const event = endings[marks.get(participant.id) ?? 'admitted']
      if (event) end([peerChannel(key, participant.id)], event)
    }
    if (isLocked !== undefined) note(key, isLocked)
    return isLocked === undefined && locked.has(roomName(key)) ? key : undefined
  }

  return {
    async admit(claims) {
      const standing = await door.standing(claims, comerOf(claims))
      if (standing !== 'open') throw new SignalingError(standing, refusals[standing])
    },

    async welcome({ key, participant, socket, sfu }, participants) {
      await gone(socket)
      await socket.leave(lobbyChannel(key))
      const { id } = participant
      const { account, crowned = false } = socket.data.claims
      const came = { id, account, crowned: crowned && forgetful() }
      const state = await door.settle(key, least, came).catch((error): RoomState => {
        // The store went away after it gave the seat. Roles are as people came; the next who comes settles them.
        log.warn({ ...key, code: toError(error, log).code }, 'room not settled')
        return { locked: false, lobby: [], roles: new Map(), changed: [], doubles: [] }
      })
      note(key, state.locked)
      seeOff(key, state.doubles, sfu)
      const withRole = (one: Participant) => ({ ...one, role: state.roles.get(one.id) ?? one.role })
      const self = withRole(participant)
      const rules = moderates(self.role)
      if (rules) await socket.join(hostChannel(key))
      // Whoever has just come learns it with the room, and everybody else when they hear of them.
      tell(key, { ...state, changed: state.changed.filter((other) => other !== id) })
      return {
        self,
        participants: participants.filter((one) => !state.doubles.includes(one.id)).map(withRole),
        locked: state.locked,
        lobby: rules ? state.lobby : [],
      }
    },

    async crown(key, came) {
      try {
        const state = await door.settle(key, least, came)
        tell(key, state)
        // Who has come without a socket yet is on the SFU.
        seeOff(key, state.doubles, true)
      } catch (error) {
        // The store is away. Whoever comes, goes or does something next finds one.
        log.warn({ ...key, code: toError(error, log).code }, 'no host looked for')
      }
    },

    async roleOf(key, id) {
      const role = (await rolesIn(key)).get(id)
      if (!role) throw new SignalingError('not-found', 'that participant is not in the room')
      return role
    },
    rolesIn,

    async knock(socket) {
      const { claims } = socket.data
      const { participant: id, name, tenant, room } = claims
      const key = { tenant, room }
      const before = waiting.get(socket.id)
      const knocker = before?.knocker ?? { id, name, since: clock.now() }
      await socket.join([lobbyChannel(key), knockerChannel(key, id)])
      const mine = { key, claims, knocker, socket }
      waiting.set(socket.id, mine)
      await knockAgain(mine).catch(async (refused) => {
        waiting.delete(socket.id)
        await socket.leave(lobbyChannel(key))
        throw refused
      })
    },

    async answer(key, id, admitted) {
      if (!(await door.answer(key, id, admitted))) return false
      io.to(knockerChannel(key, id)).emit(admitted ? 'lobby:admitted' : 'lobby:denied')
      tellHosts(key, id)
      return true
    },

    async setLocked(key, isLocked) {
      note(key, isLocked)
      return door.setLocked(key, isLocked)
    },

    retry: (key) => void io.to(lobbyChannel(key)).emit('lobby:admitted'),

    gone,

    showOut: (key, id) => end([peerChannel(key, id)], 'removed'),
    close: (key) => end([channel(key), lobbyChannel(key)], 'room:ended'),

    async round(renew) {
      const all = [...seats.byRoom().values()].map(inspect)
      const [lost] = await Promise.all([
        Promise.allSettled(all),
        Promise.allSettled([...waiting.values()].map(knockAgain)),
      ])
      const renewed = await renew()
      await Promise.allSettled(
        lost.flatMap((one) =>
          one.status === 'fulfilled' && one.value ? [door.setLocked(one.value, true)] : [],
        ),
      )
      const names = new Set(seats.byRoom().keys())
      for (const name of locked) if (!names.has(name)) locked.delete(name)
      return renewed
    },
  }
}

/** What somebody hears whose seat was taken away. */
type Ending = 'removed' | 'room:ended' | 'session:replaced'
const endings: Partial<Record<Mark, Ending>> = {
  removed: 'removed',
  ended: 'room:ended',
}
