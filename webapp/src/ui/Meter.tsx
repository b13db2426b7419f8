import { type CSSProperties, useEffect, useRef } from 'react'

/** Where each bar begins to light, from silence 0 to loud 1. */
const bars = [0, 0.2, 0.4, 0.6, 0.8]

/** How loud the microphone is, in bars; draws past React, 15 times a second. */
export function Meter({ track, label }: { track: MediaStreamTrack; label: string }) {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const context = new AudioContext()
    const analyser = new AnalyserNode(context, { fftSize: 512, smoothingTimeConstant: 0.4 })
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser)
    const samples = new Float32Array(analyser.fftSize)
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples)
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
      // −60 dB is silence in a room, −15 dB loud speech.
      const level = Math.min(1, Math.max(0, (10 * Math.log10(power + 1e-9) + 60) / 45))
      element.current?.style.setProperty('--level', level.toFixed(2))
    }, 66)
    return () => {
      clearInterval(timer)
      void context.close()
    }
  }, [track])
  return (
    <div ref={element} className="meter" role="img" aria-label={label}>
      {bars.map((bar) => (
        <span key={bar} style={{ '--bar': bar } as CSSProperties} />
      ))}
    </div>
  )
}
