import type { Page } from 'playwright-core'

/** What a page saw between two moments. Times are of the machine's clock, in ms since 1970. */
export interface Seen {
  /** When the page first told of the cut; undefined where it did not. */
  shownAtMs: number | undefined
  /** When the page told that it was over, before it was; undefined where it did not. */
  takenBackAtMs: number | undefined
  /** When, from the restore on, the first frame was shown that was live. */
  liveAtMs: number | undefined
}

/** A frame is live that is shown no more than this later than frames were before the cut. */
const lateMs = 250

/** Has the page note every frame of somebody else's video, and when it says that it is cut. */
export async function watchCuts(page: Page): Promise<void> {
  await page.addInitScript(watch)
}

/** @returns what the page saw of a cut; waits for the first live frame for as long as `withinMs` */
export async function seenOf(
  page: Page,
  cutAtMs: number,
  restoredAtMs: number,
  withinMs: number,
): Promise<Seen> {
  const end = Date.now() + withinMs
  for (;;) {
    const seen = await page.evaluate(look, { cutAtMs, restoredAtMs, lateMs })
    if (seen.liveAtMs !== undefined || Date.now() > end) return seen
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

type Frame = { atMs: number; track: string; sentMs: number | undefined }
type WatchWindow = {
  frames?: Frame[]
  /** Each change of whether the page says that it, or somebody else, is cut. */
  said?: { atMs: number; cut: boolean }[]
  __parley?: { links?: { link: string }[]; state: string }
  room?: {
    state: string
    remoteParticipants: Map<string, { connectionQuality: string }>
  }
}

/** Runs in the page, whoever wrote that. */
function watch(): void {
  const page = window as unknown as WatchWindow
  page.frames = []
  page.said = []
  const Native = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      this.addEventListener('track', ({ track }) => {
        if (track.kind === 'video') lookFor(track)
      })
    }
  }
  const lookFor = (track: MediaStreamTrack) => {
    if (track.readyState === 'ended') return
    const element = [...document.querySelectorAll('video')].find(
      ({ srcObject }) =>
        srcObject instanceof MediaStream && srcObject.getVideoTracks().includes(track),
    )
    if (!element) return void requestAnimationFrame(() => lookFor(track))
    element.requestVideoFrameCallback((_now, { rtpTimestamp }) => {
      const sentMs = rtpTimestamp === undefined ? undefined : rtpTimestamp / 90
      page.frames?.push({ atMs: Date.now(), track: track.id, sentMs })
      lookFor(track)
    })
  }
  const saysCut = () => {
    const { __parley, room } = page
    if (room) {
      const others = [...room.remoteParticipants.values()]
      const lost = others.length === 0 || others.some((one) => one.connectionQuality === 'lost')
      return room.state !== 'connected' || lost
    }
    const links = __parley?.links ?? []
    return links.length === 0 || links.some(({ link }) => link !== 'connected')
  }
  let before = false
  setInterval(() => {
    const cut = saysCut()
    if (cut !== before) page.said?.push({ atMs: Date.now(), cut })
    before = cut
  }, 20)
}

/** Runs in the page. */
function look({
  cutAtMs,
  restoredAtMs,
  lateMs: late,
}: {
  cutAtMs: number
  restoredAtMs: number
  lateMs: number
}): Seen {
  const { frames = [], said = [] } = window as unknown as WatchWindow
  const calm = frames.filter(({ atMs }) => atMs < cutAtMs && atMs > cutAtMs - 1500)
  const usual = new Map<string, number>()
  const before = frames.filter(({ atMs }) => atMs < cutAtMs)
  const last = new Map(before.map(({ track, sentMs }) => [track, sentMs]))
  for (const { track, atMs, sentMs } of calm)
    if (sentMs !== undefined)
      usual.set(track, Math.min(usual.get(track) ?? Number.POSITIVE_INFINITY, atMs - sentMs))
  const live = frames.find(({ atMs, track, sentMs }) => {
    if (atMs < restoredAtMs) return false
    const lag = usual.get(track)
    // Of another connection nothing can be old. What seems to have been sent before what was shown before the cut is taken
    // to be of another clock: an SFU may give who publishes anew other times on the same track.
    if (lag === undefined || sentMs === undefined || sentMs < (last.get(track) ?? 0)) return true
    return atMs - sentMs <= lag + late
  })
  const told = said.filter(({ atMs }) => atMs > cutAtMs && atMs < restoredAtMs)
  return {
    shownAtMs: told.find(({ cut }) => cut)?.atMs,
    takenBackAtMs: told.find(({ cut }) => !cut)?.atMs,
    liveAtMs: live?.atMs,
  }
}
