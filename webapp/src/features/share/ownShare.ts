import { cell, store } from '../../state.ts'
import { type Displays, ScreenShare } from './ScreenShare.ts'

const devices = navigator.mediaDevices as (MediaDevices & Partial<Displays>) | undefined

/** The share of this page; it ends with the call. */
export const ownShare = new ScreenShare(
  cell('share'),
  devices && 'getDisplayMedia' in devices ? (devices as Displays) : undefined,
)

store.subscribe(({ call, share }, before) => {
  if (call.phase === before.call.phase) return
  // Whoever has to join anew because the pass ran out goes on sharing.
  const over = call.phase === 'idle' || call.phase === 'left' || call.phase === 'failed'
  if (over && (share.screen || share.choosing)) ownShare.stop()
})
