import { type Knocker, knockerSchema, type Role, roleSchema } from '@parley/protocol'
import type { doorScripts } from './door-scripts.ts'
import { type Comer, lobbyPlaces, type Mark, type RoomDoor, type Standing } from './room-door.ts'
import type { RoomKey } from './room-store.ts'

type Argument = string | number

/**
 * Doors that several replicas share.
 *
 * @param run a script on the keys of a room
 * @param spend sets a key for so long; false where another has set it
 * @param times how long marks last, and a place in the lobby that is not renewed
 */
export function redisDoor(
  run: <T>(name: keyof typeof doorScripts, key: RoomKey, ...args: Argument[]) => Promise<T>,
  spend: RoomDoor['spend'],
  times: { markMs: number; leaseMs: number },
): RoomDoor {
  const whole = async (reply: Promise<number>) => (await reply) === 1
  return {
    standing: (key, comer) => run<Standing>('standing', key, ...comerOf(comer)),
    async knock(key, comer, knocker, session, places = lobbyPlaces) {
      const [standing, first] = await run<[Standing, number]>(
        'knock',
        key,
        ...comerOf(comer),
        JSON.stringify(knocker),
        session,
        times.leaseMs,
        places,
      )
      return { standing, first: first === 1, full: first < 0 }
    },
    withdraw: (key, id, session) => whole(run('withdraw', key, id, session)),
    answer: (key, id, admitted) =>
      whole(run('answer', key, id, admitted ? 'admitted' : 'denied', times.markMs)),
    async settle(key, least, came) {
      type Reply = [number, string[], string[], string[], string[]]
      const [locked, lobby, roles, changed, doubles] = await run<Reply>(
        'settle',
        key,
        least,
        came?.id ?? '',
        came?.account ?? '',
      )
      return {
        locked: locked === 1,
        lobby: lobby.map(readKnocker).sort((a, b) => a.since - b.since),
        roles: readRoles(roles),
        changed,
        doubles,
      }
    },
    setLocked: (key, locked) => whole(run('setLocked', key, locked ? '1' : '0')),
    remove: (key, id) => whole(run('remove', key, id, times.markMs)),
    async end(key) {
      await run('end', key, times.markMs)
    },
    async watch(key, ids) {
      const [locked, marks] = await run<[number, (Mark | null)[]]>('watch', key, ...ids)
      const found = ids.flatMap((id, i): [string, Mark][] => {
        const mark = marks[i]
        return mark ? [[id, mark]] : []
      })
      return { marks: new Map(found), locked: locked < 0 ? undefined : locked === 1 }
    },
    spend,
  }
}

function comerOf({ id, account, knocks, passes }: Comer): Argument[] {
  return [id, account ?? '', knocks ? '1' : '0', passes ? '1' : '0']
}

function readKnocker(json: string): Knocker {
  return knockerSchema.strip().parse(JSON.parse(json))
}

function readRoles(pairs: readonly string[]): Map<string, Role> {
  return new Map(
    pairs.flatMap((id, i): [string, Role][] =>
      i % 2 === 0 ? [[id, roleSchema.parse(pairs[i + 1])]] : [],
    ),
  )
}
