import type { Page } from 'playwright-core'

/** What goes wrong in a page, when it is told to. */
export type Mishaps = {
  /** Another program has the camera. */
  cameraBusy: boolean
  /** What Chromium says that it has room for, in kbit/s; undefined: what it says by itself. */
  roomKbps: number | undefined
  /** Takes the device away that is in use, as who pulls its plug. */
  unplug(kind: 'audio' | 'video'): void
}

declare global {
  interface Window {
    mishaps: Mishaps
  }
}

/** Before the page's own code. */
export async function prepareMishaps(page: Page): Promise<void> {
  await page.addInitScript(prepare)
}

/** Runs in the page: no device of a machine without any can be held by others, or be pulled out. */
function prepare(): void {
  const taken: MediaStreamTrack[] = []
  window.mishaps = {
    cameraBusy: false,
    roomKbps: undefined,
    unplug(kind) {
      const inUse = taken.filter((track) => track.kind === kind && track.readyState === 'live')
      for (const track of inUse) {
        track.stop()
        // Who stops a track is told nothing of it; who loses the device is.
        track.dispatchEvent(new Event('ended'))
      }
    },
  }
  const devices = navigator.mediaDevices
  const open = devices.getUserMedia.bind(devices)
  devices.getUserMedia = async (wanted) => {
    if (window.mishaps.cameraBusy && wanted?.video)
      throw new DOMException('Could not start video source', 'NotReadableError')
    const stream = await open(wanted)
    taken.push(...stream.getTracks())
    return stream
  }
  const ask = RTCPeerConnection.prototype.getStats
  RTCPeerConnection.prototype.getStats = async function (selector) {
    const report = await ask.call(this, selector)
    const { roomKbps } = window.mishaps
    if (roomKbps === undefined) return report
    const narrow = (row: { type: string; kind?: string }) => {
      if (row.type === 'candidate-pair')
        return { ...row, availableOutgoingBitrate: roomKbps * 1000 }
      const isPictures = row.type === 'outbound-rtp' && row.kind === 'video'
      return isPictures ? { ...row, qualityLimitationReason: 'bandwidth' } : row
    }
    return new Map([...report].map(([id, row]) => [id, narrow(row)])) as unknown as RTCStatsReport
  }
}
