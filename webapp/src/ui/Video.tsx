import { useEffect, useRef } from 'react'
import { showVideo } from './videoElements.ts'

type Props = { track: MediaStreamTrack; mirrored?: boolean; label: string }

/** A video track, without its sound: that comes from {@link Sound}, which alone can be blocked. */
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

/** A remote audio track. `onBlocked`: the browser wants a click first. */
export function Sound({ track, onBlocked }: { track: MediaStreamTrack; onBlocked: () => void }) {
  const element = useRef<HTMLAudioElement>(null)
  useEffect(() => {
    const audio = element.current
    if (!audio) return
    audio.srcObject = new MediaStream([track])
    audio.play().catch((error: Error) => error.name === 'NotAllowedError' && onBlocked())
    return () => {
      audio.srcObject = null
    }
  }, [track, onBlocked])
  // biome-ignore lint/a11y/useMediaCaption: live speech of a call has no caption file
  return <audio ref={element} autoPlay />
}
