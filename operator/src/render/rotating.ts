import { type Component, durationSeconds, hasLiveKit, type MeetingCluster } from '../api/index.ts'
import { secretNames } from './names.ts'

/** A Secret whose content is a list, one entry a line: the first makes credentials, all are accepted. */
export interface RotatingSecret {
  name: string
  key: string
  /** What is rotated, for people: `TURN secret`. */
  title: string
  /** Longest life of a credential that is made with an entry. */
  ttlSeconds: number
  /** Components whose pods read the list again while they run. */
  followers: readonly Component[]
  /** The component whose pods read it when they start, and have to be rolled. */
  restarts?: Component
}

/** How long a join token is good for: longer than a meeting lasts, because who reconnects shows it again. */
export const JOIN_TOKEN_TTL_SECONDS = 12 * 3600
/** LiveKit gives those who are connected new tokens, good for this long at least. */
const LIVEKIT_REFRESH_SECONDS = 600

/** The Secrets that are replaced on schedule. */
export function rotatingSecrets(mc: MeetingCluster): RotatingSecret[] {
  const names = secretNames(mc)
  const turnSeconds = Math.ceil(durationSeconds(mc.spec.turn.credentials.ttl))
  return [
    {
      name: names.turn,
      key: 'secrets',
      title: 'TURN secret',
      ttlSeconds: turnSeconds,
      followers: ['turn', 'signaling'],
    },
    {
      name: names.joinKey,
      key: 'key',
      title: 'join key',
      ttlSeconds: JOIN_TOKEN_TTL_SECONDS,
      followers: ['signaling'],
    },
    ...(hasLiveKit(mc)
      ? [
          {
            name: names.livekit,
            key: 'keys',
            title: 'LiveKit key',
            // Signaling gives what is for media servers one life, here and there.
            ttlSeconds: Math.max(turnSeconds, LIVEKIT_REFRESH_SECONDS),
            followers: ['signaling'] as const,
            restarts: 'sfu' as const,
          },
        ]
      : []),
  ]
}

/** Entries of a list as a file holds it. */
export function parseEntries(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => line.trim() || [])
}

export function formatEntries(entries: readonly string[]): string {
  return entries.map((entry) => `${entry}\n`).join('')
}
