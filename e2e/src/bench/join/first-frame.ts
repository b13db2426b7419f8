import type { BrowserContext, Page } from 'playwright-core'

type FirstFrameWindow = { firstFrameMs?: number }

/** Whatever pages ask for, their cameras are of this size. */
export async function smallCameras(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const { mediaDevices } = navigator
    const open = mediaDevices.getUserMedia.bind(mediaDevices)
    mediaDevices.getUserMedia = ({ video, ...others } = {}) =>
      open({ ...others, ...(video && { video: { width: 640, height: 360, frameRate: 20 } }) })
  })
}

/** Has the page note when the first frame of somebody else's video is shown, in ms since its link was opened. */
export async function watchFirstFrame(page: Page): Promise<void> {
  await page.addInitScript(watch)
}

/** @throws when there is none in half a minute */
export async function firstFrameMs(page: Page): Promise<number> {
  const handle = await page.waitForFunction(
    () => (window as unknown as FirstFrameWindow).firstFrameMs,
    undefined,
    { timeout: 30_000 },
  )
  return (await handle.jsonValue()) as number
}

/** Runs in the page, whoever wrote that: it looks where the browser hands a remote track out. */
function watch(): void {
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
    const element = [...document.querySelectorAll('video')].find(
      ({ srcObject }) =>
        srcObject instanceof MediaStream && srcObject.getVideoTracks().includes(track),
    )
    if (!element) return void requestAnimationFrame(() => lookFor(track))
    const look = () => {
      const page = window as unknown as FirstFrameWindow
      const { width, height } = element.getBoundingClientRect()
      const seen = element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
      // One that nobody sees, or no larger than a button, is not what somebody waits for.
      if (seen && width >= 160 && height >= 90) page.firstFrameMs ??= performance.now()
      else element.requestVideoFrameCallback(look)
    }
    element.requestVideoFrameCallback(look)
  }
}
