import { systemClock } from '../../clock.ts'
import { cell, store } from '../../state.ts'
import { fetchPart } from '../../ui/fetchPart.ts'
import { PeerLink } from '../connection/PeerLink.ts'
import { linkPolicy, sfuPolicy, signalingPolicy } from '../connection/ReconnectPolicy.ts'
import { openSocketSignaling, requestJoinOverHttp } from '../connection/SocketSignaling.ts'
import { codecOrder, encodesH264InHardware } from '../connection/sending.ts'
import { ownEncryption } from '../encryption/ownEncryption.ts'
import { type LocalState, mediaState } from '../media/localState.ts'
import { ownMetrics } from '../metrics/ownMetrics.ts'
import { ownRecording } from '../recording/ownRecording.ts'
import { qualityLevels } from '../settings/preferences.ts'
import type { OpenSfuRoom } from '../sfu/SfuRoom.ts'
import { SfuSession } from '../sfu/SfuSession.ts'
import { shareMedia, shareTracks } from '../share/shareState.ts'
import { ownChat, ownCompany, ownReactions } from '../side/ownSide.ts'
import { noteReceiver } from '../voice/receivers.ts'
import { CallSession } from './CallSession.ts'
import { FreezeWatch } from './FreezeWatch.ts'
import { publishHook } from './hook.ts'
import { ownHaste } from './ownHaste.ts'
import type { RoomFollower } from './RoomFollower.ts'

const stream = new MediaStream()

let hardwareH264 = false
void encodesH264InHardware(navigator.mediaCapabilities).then((found) => {
  hardwareH264 = found
})
/** Without hardware the browser's own order holds. */
const videoCodecs = () =>
  hardwareH264 ? codecOrder(RTCRtpReceiver.getCapabilities('video')?.codecs ?? [], true) : undefined

const localTracks = ({ audio, video }: LocalState) => ({ audio: audio.track, video: video.track })

/** Only rooms on the SFU pay for its code. */
const loadSfu = () => {
  fetchPart('sfu')
  return import('../sfu/liveKitRoom.ts')
}
const openRoom: OpenSfuRoom = async (...request) => {
  const { openLiveKitRoom } = await loadSfu()
  return openLiveKitRoom(ownEncryption)(...request).finally(() => ownHaste.answered())
}

const wayIn: RoomFollower = {
  entered: () => ownHaste.entered(),
  away() {},
  heard() {},
  left() {},
}

/** The one call of this page, on the real clock, network and browser. */
export const ownCall = new CallSession({
  call: cell('call'),
  clock: systemClock,
  epochMs: () => Date.now(),
  policy: signalingPolicy(Math.random),
  requestJoin: requestJoinOverHttp,
  openSignaling: openSocketSignaling,
  local: () => {
    const { local, share, encryption } = store.getState()
    return {
      tracks: { ...localTracks(local), ...shareTracks(share) },
      media: {
        ...mediaState(local),
        ...shareMedia(share),
        ...(encryption.mark !== null && { e2ee: encryption.mark }),
      },
    }
  },
  createLink: (request) =>
    new PeerLink({
      ...request,
      send(signal) {
        request.send(signal)
        if ('description' in signal) ownHaste.answered()
      },
      clock: systemClock,
      policy: linkPolicy(Math.random),
      stream,
      videoCodecs,
      createConnection: (configuration) => {
        const connection = new RTCPeerConnection(configuration)
        connection.addEventListener('track', ({ track, receiver }) => noteReceiver(track, receiver))
        return connection
      },
      onError: (error) => console.warn('peer connection', { peer: request.peerId, error }),
    }),
  maxKbps: () => {
    const { quality } = store.getState().preferences
    return quality === 'auto' ? Infinity : qualityLevels[quality].kbps
  },
  followers: [wayIn, ownCompany, ownChat, ownReactions, ownRecording, ownMetrics],
  // As what nobody catches: it is reported, and costs nothing of the call.
  onError: (error) => reportError(error),
  onReadings: (readings) => ownMetrics.take(readings),
  prepareSfu() {
    ownHaste.takes('sfu')
    // Where loading fails, it fails again where it is needed, which is tried again.
    loadSfu().catch(() => {})
  },
  openSfu: (request) =>
    new SfuSession({
      ...request,
      clock: systemClock,
      policy: sfuPolicy(Math.random),
      openRoom,
      onError: (error) => console.warn('SFU', { error }),
    }),
})

store.subscribe(({ call: { phase, timings } }) => {
  const meets = phase === 'joined' && timings.othersPresent !== false
  if (phase !== 'idle' && phase !== 'joining' && !meets) ownHaste.end()
})
store.subscribe((state, before) => {
  const same =
    state.local === before.local &&
    state.share === before.share &&
    state.encryption === before.encryption &&
    state.preferences.quality === before.preferences.quality
  if (!same) ownCall.localChanged()
})
addEventListener('online', () => ownCall.networkBack())
// A page that goes away says so, instead of holding its seat until the server misses it.
addEventListener('pagehide', () => ownCall.depart())

const watch = new FreezeWatch({
  clock: systemClock,
  lastReadings: () => ownCall.readings.lastVideo(),
  read: () => ownCall.readings.readVideo(),
})
publishHook(ownCall, watch)
