import { SignJWT } from 'jose'
import { z } from 'zod'
import { type RoomKey, roomName } from './rooms/room-store.ts'

export type LiveKitKey = { apiKey: string; secret: string }

/** LiveKit did not do what it was asked; the message says why. */
export class LiveKitError extends Error {
  readonly code = 'LIVEKIT'
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LiveKitError'
  }
}

/** Who is in LiveKit's rooms, and out again. Any pod answers for all of them. */
export type LiveKitRooms = {
  /**
   * Ids of the people in a room; none where there is no such room. Recorders and agents are no people.
   * @throws {LiveKitError}
   */
  participants(key: RoomKey): Promise<string[]>
  /**
   * Ends the stay of a participant; nothing happens where there is none.
   * @throws {LiveKitError}
   */
  remove(key: RoomKey, participant: string): Promise<void>
  /**
   * Stops a participant's microphone or camera, until they turn it on again; nothing happens where they send
   * none, or are not there.
   * @throws {LiveKitError}
   */
  mute(key: RoomKey, participant: string, kind: 'audio' | 'video'): Promise<void>
}

/** What LiveKit knows a room as. */
export function liveKitRoom(key: RoomKey): string {
  return roomName(key)
}

/** A server's token is made for each request. */
const adminTokenSeconds = 60
const requestMs = 2000

const listSchema = z.object({
  participants: z
    .array(z.object({ identity: z.string(), kind: z.string().default('STANDARD') }))
    .default([]),
})

const participantSchema = z.object({
  tracks: z
    .array(
      // Protobuf's JSON leaves out what is zero: an unknown source, and a track that is not muted.
      z.object({
        sid: z.string(),
        source: z.string().default(''),
        muted: z.boolean().default(false),
      }),
    )
    .default([]),
})
const sources = { audio: 'MICROPHONE', video: 'CAMERA' } as const

/**
 * LiveKit's RoomService: Twirp, which is a POST of JSON with a token of the server.
 * https://docs.livekit.io/reference/server/server-apis/
 *
 * @param options.url `http://host:7880`
 * @param options.key of the moment. @throws where there is none yet
 */
export function liveKitRooms(options: {
  url: string
  key: () => LiveKitKey
  now: () => number
}): LiveKitRooms {
  const ask = async (method: string, room: string, body: object): Promise<Response> => {
    try {
      return await fetch(new URL(`/twirp/livekit.RoomService/${method}`, options.url), {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await adminToken(options.key(), room, options.now())}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ room, ...body }),
        signal: AbortSignal.timeout(requestMs),
      })
    } catch (cause) {
      throw new LiveKitError(`${options.url} cannot be reached: is PARLEY_SFU_API right?`, {
        cause,
      })
    }
  }
  /** Where nobody is there, there is nothing to do. */
  const tell = async (method: string, room: string, body: object): Promise<void> => {
    const answer = await ask(method, room, body)
    // Read to its end, so that the connection serves again.
    await answer.text()
    if (!answer.ok && answer.status !== 404) throw refusal(method, answer.status)
  }
  return {
    async participants(key) {
      const room = liveKitRoom(key)
      const answer = await ask('ListParticipants', room, {})
      if (answer.status === 404) return []
      if (!answer.ok) throw refusal('ListParticipants', answer.status)
      const { participants } = listSchema.parse(await answer.json())
      return participants.filter(({ kind }) => kind === 'STANDARD').map(({ identity }) => identity)
    },
    async remove(key, identity) {
      await tell('RemoveParticipant', liveKitRoom(key), { identity })
    },
    async mute(key, identity, kind) {
      const room = liveKitRoom(key)
      const answer = await ask('GetParticipant', room, { identity })
      if (answer.status === 404) return void (await answer.text())
      if (!answer.ok) throw refusal('GetParticipant', answer.status)
      const { tracks } = participantSchema.parse(await answer.json())
      for (const { sid, source, muted } of tracks)
        if (source === sources[kind] && !muted)
          await tell('MutePublishedTrack', room, { identity, track_sid: sid, muted: true })
    },
  }
}

function adminToken(key: LiveKitKey, room: string, nowMs: number): Promise<string> {
  const now = Math.floor(nowMs / 1000)
  return new SignJWT({ video: { room, roomAdmin: true } })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(key.apiKey)
    .setNotBefore(now - 10)
    .setExpirationTime(now + adminTokenSeconds)
    .sign(new TextEncoder().encode(key.secret))
}

function refusal(method: string, status: number): LiveKitError {
  const why = status === 401 || status === 403 ? 'it does not know the first key' : 'see its log'
  return new LiveKitError(`LiveKit answered ${method} with ${status}: ${why}`)
}
