import { Mic, MicOff, PhoneOff, Video as VideoIcon, VideoOff } from 'lucide-react'
import { type CSSProperties, useEffect } from 'react'
import { createPortal } from 'react-dom'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { useAppState } from '../../ui/useAppState.ts'
import { Video } from '../../ui/Video.tsx'
import { hueOf, initialsOf } from '../call/avatar.ts'
import { shown } from '../layout/layoutState.ts'
import { leaveCall } from '../lobby/stay.ts'
import type { MediaKind } from '../media/localState.ts'
import { toggleMedia } from '../media/toggleMedia.ts'
import './miniature.css'
import { miniatureWindow, ownMiniature } from './ownMiniature.ts'

/** The call in a small window of its own, above all others. */
export function Miniature() {
  const open = useStore(miniatureWindow, (state) => state.open)
  useEffect(() => () => ownMiniature.close(), [])
  return open && createPortal(<Content />, open.document.body)
}

function Content() {
  const { t } = useTranslation()
  return (
    <div className="miniature">
      <Middle />
      {/* Tooltips and focus of the page's own buttons belong to its own window. */}
      <div className="miniature-bar">
        <Toggle kind="audio" />
        <Toggle kind="video" />
        <button
          type="button"
          className="icon-button round leave"
          aria-label={t('controls.leave')}
          title={t('controls.leave')}
          onClick={leaveCall}
        >
          <PhoneOff />
        </button>
      </div>
    </div>
  )
}

/** Who or what is in the middle of the page, or would be with one person in the middle. */
function Middle() {
  const { t } = useTranslation()
  const participants = useAppState((state) => state.call.participants)
  const layout = useAppState((state) => state.layout)
  const ids = participants.map(({ id }) => id)
  const view = shown({ ...layout, chosen: 'speaker' }, ids, layout.speaker)
  const person = participants.find(({ id }) => id === view.main)
  if (!person) return <p className="miniature-empty">{t('miniature.alone')}</p>
  const screen = view.kind === 'share' ? person.screen : null
  const camera = person.media.video ? person.video : null
  const track = screen ?? camera
  return (
    <div
      className={screen ? 'miniature-middle screen' : 'miniature-middle'}
      style={{ '--hue': hueOf(person.name), '--tile-height': '180px' } as CSSProperties}
    >
      <span className="avatar" aria-hidden="true">
        {initialsOf(person.name)}
      </span>
      {track && <Video key={track.id} track={track} label={person.name} />}
      <div className="tile-plate">
        <span className="tile-name">{person.name}</span>
      </div>
    </div>
  )
}

const looks = {
  audio: { On: Mic, Off: MicOff, turnOn: 'controls.unmute', turnOff: 'controls.mute' },
  video: {
    On: VideoIcon,
    Off: VideoOff,
    turnOn: 'controls.cameraOn',
    turnOff: 'controls.cameraOff',
  },
} as const

function Toggle({ kind }: { kind: MediaKind }) {
  const { t } = useTranslation()
  const { on, problem } = useAppState((state) => state.local[kind])
  const { On, Off, turnOn, turnOff } = looks[kind]
  const works = on && !problem
  const label = t(works ? turnOff : turnOn)
  return (
    <button
      type="button"
      className={works ? 'icon-button round' : 'icon-button round off'}
      aria-label={label}
      title={label}
      onClick={() => void toggleMedia(kind)}
    >
      {works ? <On /> : <Off />}
    </button>
  )
}
