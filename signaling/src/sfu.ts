import type { RelayIdentity, RoomMedia } from '@parley/protocol'
import { SignJWT } from 'jose'
import { SignalingError } from './errors.ts'
import { parseKeyList } from './key-list.ts'
import { type LiveKitKey, type LiveKitRooms, liveKitRoom, liveKitRooms } from './livekit-rooms.ts'
import { watchFile } from './watched-file.ts'

/**
 * LiveKit's keys, one `<apiKey>: <secret>` a line, the newest first.
 *
 * @throws when a line is of another form, or there is none
 */
export function parseLiveKitKeys(text: string): [LiveKitKey, ...LiveKitKey[]] {
  const [first, ...rest] = parseKeyList(text).map((line, index) => {
    const [, apiKey, secret] = /^([^\s:]+):\s*(\S+)$/.exec(line) ?? []
    // The line itself is secret, so the message only counts.
    if (!apiKey || !secret) throw new Error(`line ${index + 1} is not "<apiKey>: <secret>"`)
    return { apiKey, secret }
  })
  if (!first) throw new Error('holds no key; write at least one line')
  return [first, ...rest]
}

/**
 * A LiveKit access token: JWT, HS256, for one participant in one room, to send and to receive.
 * https://docs.livekit.io/home/get-started/authentication/
 *
 * @param nowMs epoch milliseconds
 */
export function mintLiveKitToken(
  key: LiveKitKey,
  who: RelayIdentity & { name: string },
  nowMs: number,
  ttlSeconds: number,
): Promise<string> {
  const now = Math.floor(nowMs / 1000)
  const video = {
    room: liveKitRoom(who),
    roomJoin: true,
    canPublish: true,
    canSubscribe: true,
    canPublishData: false,
  }
  return (
    new SignJWT({ name: who.name, video })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(key.apiKey)
      .setSubject(who.participant)
      // Clocks of two nodes differ by a little; LiveKit allows for none.
      .setNotBefore(now - 10)
      .setExpirationTime(now + ttlSeconds)
      .sign(new TextEncoder().encode(key.secret))
  )
}

/**
 * A token opens the door once, right after it was given; LiveKit itself renews it for those inside, for as
 * long as this.
 */
const accessSeconds = 600

/** The SFU for rooms that outgrow a mesh, as the operator's file of keys says now. */
export type SfuAccess = LiveKitRooms & {
  /** Whether there is an SFU at all. */
  readonly engine: 'LiveKit' | 'None'
  /** Whether a token could be made now. */
  ready(): boolean
  /** @throws {SignalingError} `unavailable` while there is no key */
  media(who: RelayIdentity & { name: string }): Promise<RoomMedia>
  close(): void
}

export const noSfu: SfuAccess = {
  engine: 'None',
  ready: () => false,
  media: async () => unavailable(),
  participants: async () => [],
  remove: async () => {},
  mute: async () => {},
  close() {},
}

export function watchLiveKit(options: {
  keysFile: string
  /** Where LiveKit's API is. */
  url: string
  /** The life of credentials for media; tokens live no longer. */
  ttlSeconds: number
  now: () => number
  onProblem: (error: Error) => void
}): SfuAccess {
  const keys = watchFile(options.keysFile, parseLiveKitKeys, options.onProblem)
  const key = () => keys.current()?.[0] ?? unavailable()
  const ttlSeconds = Math.min(options.ttlSeconds, accessSeconds)
  return {
    ...liveKitRooms({ url: options.url, key, now: options.now }),
    engine: 'LiveKit',
    ready: () => keys.current() !== undefined,
    async media(who) {
      const token = await mintLiveKitToken(key(), who, options.now(), ttlSeconds)
      return { mode: 'sfu', engine: 'LiveKit', token }
    },
    close: () => keys.close(),
  }
}

export function sfuNotReady(): SignalingError {
  return new SignalingError('unavailable', 'the SFU is not ready yet; try again shortly')
}

function unavailable(): never {
  throw sfuNotReady()
}
