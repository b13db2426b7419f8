import { memo, useEffect, useRef, useState } from 'react'
import { useAppState } from '../../ui/useAppState.ts'
import { useSpeaker } from '../media/speaker.ts'
import { boostOf } from './boost.ts'
import { RemoteSound } from './RemoteSound.ts'
import { volumeOf } from './Volumes.ts'

type Props = { participant: string; track: MediaStreamTrack; onBlocked: () => void }

/** What is heard of one participant. `onBlocked`: the browser wants a click first. */
export const Sound = memo(function Sound({ participant, track, onBlocked }: Props) {
  const element = useRef<HTMLAudioElement>(null)
  const [sound, setSound] = useState<RemoteSound>()
  const volume = useAppState((state) => volumeOf(state.preferences.volumes, participant))
  const speaker = useSpeaker()
  // biome-ignore lint/correctness/useExhaustiveDependencies: who is told of a block is not what is heard
  useEffect(() => {
    if (!element.current) return
    const stream = new MediaStream([track])
    const made = new RemoteSound({
      element: element.current,
      stream,
      boost: () => boostOf(stream),
      onBlocked,
    })
    setSound(made)
    return () => made.close()
  }, [track])
  useEffect(() => sound?.setVolume(volume), [sound, volume])
  useEffect(() => void sound?.setSpeaker(speaker), [sound, speaker])
  // biome-ignore lint/a11y/useMediaCaption: live speech of a call has no caption file
  return <audio ref={element} autoPlay />
})
