import type { IceServer, RelayIdentity } from '@parley/protocol'
import { SignalingError } from './errors.ts'
import { parseKeyList } from './key-list.ts'
import { buildIceServers, isTurnUrl, mintTurnCredential, stunOf } from './turn-credentials.ts'
import { parseTurnEndpoints } from './turn-endpoints.ts'
import { watchFile } from './watched-file.ts'

/** Where TURN is and who may use it, as the operator's files say now. */
export type TurnAccess = {
  /**
   * ICE servers with fresh credentials for one participant; always with a TURN entry, unless there is no TURN.
   * @throws {SignalingError} `unavailable` while no TURN server or no secret is known
   */
  iceServers(identity: RelayIdentity): IceServer[]
  /**
   * The same servers for one who may not relay: STUN alone, which takes no credentials.
   * @throws {SignalingError} as above
   */
  withoutRelay(): IceServer[]
  /** Whether a TURN server was ever known: the first moment at which this server is of use. */
  seen(): boolean
  close(): void
}

export function watchTurn(options: {
  endpointsFile: string
  secretFile: string
  ttlSeconds: number
  /** False on a machine without a TURN server: what the file names is STUN, and given out as it is. */
  expected: boolean
  now: () => number
  onProblem: (error: Error) => void
}): TurnAccess {
  const endpoints = watchFile(options.endpointsFile, parseTurnEndpoints, options.onProblem)
  const secrets = watchFile(options.secretFile, parseKeyList, options.onProblem)
  let seen = false
  return {
    iceServers(identity) {
      const urls = endpoints.current() ?? []
      if (!options.expected && urls.length > 0) return [{ urls }]
      const secret = secrets.current()?.[0]
      const servers =
        secret &&
        buildIceServers(
          urls,
          mintTurnCredential(secret, identity, options.now(), options.ttlSeconds),
        )
      if (!servers) throw notReady()
      return servers
    },
    withoutRelay() {
      const urls = stunOf(endpoints.current() ?? [])
      if (urls.length === 0) throw notReady()
      return [{ urls }]
    },
    seen() {
      const wanted = (url: string) => !options.expected || isTurnUrl(url)
      seen ||= Boolean(secrets.current() && endpoints.current()?.some(wanted))
      return seen
    },
    close() {
      endpoints.close()
      secrets.close()
    },
  }
}

function notReady(): SignalingError {
  return new SignalingError('unavailable', 'no TURN server is ready yet; try again shortly')
}
