import { useEffect, useRef } from 'react'
import { showVideo } from './videoElements.ts'

type Props = { track: MediaStreamTrack; mirrored?: boolean; label: string }

/** A video track, without its sound: that comes from Sound, which alone can be blocked. */
export function Video({ track, mirrored = false, label }: Props) {
  const element = useRef<HTMLVideoElement>(null)
  useEffect(() => {
    const video = element.current
    if (!video) return
    const hide = showVideo(track, video)
    // Refused only while the element goes away again.
    video.play().catch(() => {})
    return hide
  }, [track])
  return (
    <video
      ref={element}
      className={mirrored ? 'video mirrored' : 'video'}
      aria-label={label}
      muted
      autoPlay
      playsInline
    />
  )
}
