import type { RemoteVideoTrack } from 'livekit-client'
import { type Clock, systemClock } from '../../clock.ts'
import { showVideoBy } from '../../ui/videoElements.ts'

export type ReceivedPictures = Pick<
  RemoteVideoTrack,
  | 'attach'
  | 'detach'
  | 'mediaStreamTrack'
  | 'observeElementInfo'
  | 'receiver'
  | 'stopObservingElementInfo'
>

/** Whether a picture has come is looked at this often. */
const firstPictureMs = 200
/** What is about to be shown has an element by then. */
const unshownMs = 3000

/**
 * Elements that show a video are LiveKit's to know, so that it sends what they need, and nothing where there are none.
 * Until it is shown, or there have been pictures for a while that nobody shows, small ones are asked for: it makes the
 * change from the mesh seamless. So they are while it is kept for something else than the page.
 */
export function askForPictures(track: ReceivedPictures, clock: Clock = systemClock): void {
  const stopWaiting = askForSmall(track)
  const lastPicture = () => track.receiver?.getSynchronizationSources()[0]?.timestamp ?? 0
  let before: number | undefined
  let cancel = () => {}
  const look = () => {
    if (track.mediaStreamTrack.readyState === 'ended') return stopWaiting()
    const last = lastPicture()
    // An SFU may have sent another one's track to this receiver a moment ago.
    before ??= last
    cancel = last > before ? clock.after(unshownMs, stopWaiting) : clock.after(firstPictureMs, look)
  }
  // Not at once: while there is something new to receive the browser is busy with that, and the page stops for its answer.
  cancel = clock.after(firstPictureMs, look)
  showVideoBy(track.mediaStreamTrack, {
    show(element) {
      track.attach(element)
      cancel()
      stopWaiting()
      return () => void track.detach(element)
    },
    // A page that is behind another one shows nothing, and records all the same: to LiveKit, as from a window of its own.
    keep: () => askForSmall(track, { pictureInPicture: true }),
  })
}

/** As if there were a small element that shows it. Returns what ends that, once. */
function askForSmall(track: ReceivedPictures, { pictureInPicture = false } = {}): () => void {
  const info = {
    element: {},
    width: () => 320,
    height: () => 180,
    visible: true,
    pictureInPicture,
    visibilityChangedAt: undefined,
    observe() {},
    stopObserving() {},
  }
  track.observeElementInfo(info)
  let asked = true
  return () => {
    if (asked) track.stopObservingElementInfo(info)
    asked = false
  }
}
