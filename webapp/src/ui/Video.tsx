import { useLayoutEffect, useRef } from 'react'
import { showVideoIn } from './videoElements.ts'

type Props = { track: MediaStreamTrack; mirrored?: boolean; label: string }

/**
 * A video track, without its sound: that comes from Sound, which alone can be blocked. Its element is not React's: one
 * that played before the page was drawn goes on playing here.
 */
export function Video({ track, mirrored = false, label }: Props) {
  const place = useRef<HTMLSpanElement>(null)
  const video = useRef<HTMLVideoElement>(null)
  useLayoutEffect(() => {
    const here = place.current
    if (!here) return
    const { element, hide } = showVideoIn(here, track, video.current)
    video.current = element
    // Refused only while the element goes away again.
    element.play().catch(() => {})
    return hide
  }, [track])
  useLayoutEffect(() => {
    video.current?.classList.toggle('mirrored', mirrored)
    video.current?.setAttribute('aria-label', label)
  }, [mirrored, label])
  return <span ref={place} className="video-place" />
}
