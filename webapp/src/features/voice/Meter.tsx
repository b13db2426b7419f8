import { type CSSProperties, useRef } from 'react'
import { useLevel } from './useLevel.ts'

/** Where each bar begins to light, from silence 0 to loud 1. */
const bars = [0, 0.2, 0.4, 0.6, 0.8]

/** How loud the microphone is, in bars. */
export function Meter({ track, label }: { track: MediaStreamTrack; label: string }) {
  const element = useRef<HTMLDivElement>(null)
  useLevel(element, track)
  return (
    <div ref={element} className="meter" role="img" aria-label={label}>
      {bars.map((bar) => (
        <span key={bar} style={{ '--bar': bar } as CSSProperties} />
      ))}
    </div>
  )
}
