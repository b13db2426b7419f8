import { store } from '../../state.ts'
import type { Totals } from '../connection/linkStats.ts'
import type { CallSession } from './CallSession.ts'
import type { Freeze } from './FreezeMeter.ts'
import type { FreezeWatch } from './FreezeWatch.ts'

/** `window.__parley`: the state of the page for tests and kiosks. Described in webapp/README.md. */
export type ParleyHook = {
  readonly state:
    | 'lobby'
    | 'joining'
    | 'waiting'
    | 'joined'
    | 'reconnecting'
    | 'lost'
    | 'left'
    | 'failed'
  readonly error: string | null
  readonly participantId: string
  readonly room: string
  readonly joinMs: number | undefined
  readonly timings: { joined?: number; firstAudio?: number; firstFrame?: number }
  /** As they are shown, without being read anew. */
  readonly links: { id: string; link: string }[]
  peers(): Promise<HookPeer[]>
  totals(): Promise<Totals & { framesDecoded: number }>
  freezes(): Promise<Freeze[]>
  resetFreezes(): Promise<void>
}

export type HookPeer = Totals & {
  id: string
  name: string
  media: { audio: boolean; video: boolean }
  link: string
  connectionState: RTCPeerConnectionState
  iceConnectionState: RTCIceConnectionState
  usingRelay: boolean | undefined
  localCandidateType: RTCIceCandidateType | undefined
  remoteCandidateType: RTCIceCandidateType | undefined
  relayProtocol: string | undefined
  rttMs: number | undefined
  quality: string
  framesDecoded: number
  audioPacketsReceived: number
}

declare global {
  interface Window {
    __parley?: ParleyHook
  }
}

export function publishHook(session: CallSession, watch: FreezeWatch): void {
  const call = () => store.getState().call
  window.__parley = {
    get state() {
      const { phase, signaling } = call()
      if (phase === 'idle') return 'lobby'
      if (phase !== 'joined') return phase
      return signaling === 'up' ? 'joined' : signaling
    },
    get error() {
      return call().error
    },
    get participantId() {
      return call().selfId
    },
    get room() {
      return call().room
    },
    get joinMs() {
      const { joined, firstAudio, othersPresent } = call().timings
      return othersPresent ? firstAudio : joined
    },
    get timings() {
      return call().timings
    },
    get links() {
      return call().participants.map(({ id, link }) => ({ id, link }))
    },
    async peers() {
      await session.readings.sample()
      return session.readings
        .last()
        .flatMap(({ id, connectionState, iceConnectionState, stats }) => {
          const participant = call().participants.find((p) => p.id === id)
          if (!participant || !stats) return []
          const { name, media, link, quality } = participant
          const {
            transport,
            packetsLost: _lost,
            packetsReceived: _received,
            interFrameMs: _intervals,
            squaredInterFrameMs: _squares,
            ...rest
          } = stats
          return [
            {
              id,
              name,
              media,
              link,
              quality,
              connectionState,
              iceConnectionState,
              ...rest,
              ...transport,
            },
          ]
        })
    },
    async totals() {
      await session.readings.sample()
      const framesDecoded = session.readings
        .last()
        .reduce((sum, { stats }) => sum + (stats?.framesDecoded ?? 0), 0)
      return { ...session.readings.totals(), framesDecoded }
    },
    freezes: () => watch.freezes(),
    resetFreezes: () => watch.reset(),
  }
}
