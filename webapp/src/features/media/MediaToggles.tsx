import { Mic, MicOff, Video, VideoOff } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { useHint } from '../voice/useHint.ts'
import type { MediaKind } from './localState.ts'
import { toggleMedia } from './toggleMedia.ts'

const looks = {
  audio: {
    On: Mic,
    Off: MicOff,
    turnOn: 'controls.unmute',
    turnOff: 'controls.mute',
    action: 'mute',
  },
  video: {
    On: Video,
    Off: VideoOff,
    turnOn: 'controls.cameraOn',
    turnOff: 'controls.cameraOff',
    action: 'camera',
  },
} as const

export function MediaToggle({ kind }: { kind: MediaKind }) {
  const { t } = useTranslation()
  const { on, problem } = useAppState((state) => state.local[kind])
  const { On, Off, turnOn, turnOff, action: shortcut } = looks[kind]
  const works = on && !problem
  const action = t(works ? turnOff : turnOn)
  const hint = useHint(action, shortcut)
  return (
    <IconButton
      label={action}
      hint={hint}
      className={works ? 'round' : 'round off'}
      onPress={() => void toggleMedia(kind)}
    >
      {works ? <On /> : <Off />}
      {problem && <span className="button-flag" aria-hidden="true" />}
    </IconButton>
  )
}
