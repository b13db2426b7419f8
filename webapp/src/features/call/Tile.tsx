import { MicOff, Waypoints } from 'lucide-react'
import type { CSSProperties, ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { Video } from '../../ui/Video.tsx'
import { mediaState } from '../media/localState.ts'
import { useSpeaking } from '../voice/useSpeaking.ts'
import { self } from '../voice/voiceState.ts'
import { hueOf, initialsOf } from './avatar.ts'
import type { RemoteParticipant } from './callState.ts'
import { ownCall } from './ownCall.ts'
import { QualityBars } from './QualityBars.tsx'

export function OwnTile({ small = false }: { small?: boolean }) {
  const { t } = useTranslation()
  const name = useAppState((state) => state.call.name)
  const local = useAppState((state) => state.local)
  const media = mediaState(local)
  const speaking = useSpeaking(self)
  return (
    <Frame
      name={name}
      label={small ? t('call.you') : t('call.youNamed', { name })}
      muted={!media.audio}
      className={small ? 'own small' : 'own'}
      speaking={speaking}
    >
      {local.video.track && media.video && (
        <Video track={local.video.track} mirrored label={t('call.youNamed', { name })} />
      )}
    </Frame>
  )
}

export function RemoteTile({ participant }: { participant: RemoteParticipant }) {
  const { t } = useTranslation()
  const { id, name, media, video, link, usingRelay } = participant
  const speaking = useSpeaking(id)
  const corner = (
    <div className="tile-corner">
      {usingRelay && link === 'connected' && (
        <span className="relay-chip" title={t('call.relayTile')}>
          <Waypoints aria-hidden="true" />
          {t('relay.short')}
        </span>
      )}
      <QualityBars {...participant} />
    </div>
  )
  return (
    <Frame
      name={name}
      label={name}
      muted={!media.audio}
      className={link}
      speaking={speaking}
      corner={corner}
    >
      {video && media.video && <Video track={video} label={name} />}
      {link !== 'connected' && (
        <div className="tile-veil" role="status">
          {link !== 'failed' && <span className="spinner" aria-hidden="true" />}
          <span>{t(`call.link.${link}`)}</span>
          {link === 'failed' && (
            <>
              <small>{t('call.link.failedFix')}</small>
              <Button className="button small" onPress={() => void ownCall.retry()}>
                {t('call.link.retry')}
              </Button>
            </>
          )}
        </div>
      )}
    </Frame>
  )
}

type FrameProps = {
  name: string
  label: string
  muted: boolean
  className: string
  speaking: boolean
  corner?: ReactNode
  children: ReactNode
}

function Frame({ name, label, muted, className, speaking, corner, children }: FrameProps) {
  const { t } = useTranslation()
  return (
    <article
      className={speaking ? `tile speaking ${className}` : `tile ${className}`}
      aria-label={label}
      style={{ '--hue': hueOf(name) } as CSSProperties}
    >
      <span className="avatar" aria-hidden="true">
        {initialsOf(name)}
      </span>
      {children}
      <div className="tile-plate">
        {muted && <MicOff role="img" aria-label={t('call.muted', { name: label })} />}
        <span className="tile-name">{label}</span>
      </div>
      {corner}
    </article>
  )
}
