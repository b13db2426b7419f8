import { LockKeyhole, MicOff, Pin, PinOff, Waypoints } from 'lucide-react'
import { type CSSProperties, memo, type ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { cell } from '../../state.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { Video } from '../../ui/Video.tsx'
import { peerEncryption } from '../encryption/encryptionState.ts'
import { togglePin } from '../layout/layoutState.ts'
import { mediaState } from '../media/localState.ts'
import { HandChip } from '../people/HandChip.tsx'
import { useSpeaking } from '../voice/useSpeaking.ts'
import { VolumeButton } from '../voice/VolumeButton.tsx'
import { self } from '../voice/voiceState.ts'
import { hueOf, initialsOf } from './avatar.ts'
import type { RemoteParticipant } from './callState.ts'
import { ownCall } from './ownCall.ts'
import { LinkQuality } from './QualityBars.tsx'
import { sameInside, sameTile } from './sameTile.ts'

type OwnProps = { small?: boolean; place?: CSSProperties }

export function OwnTile({ small = false, place }: OwnProps) {
  const { t } = useTranslation()
  const id = useAppState((state) => state.call.selfId)
  const name = useAppState((state) => state.call.name)
  const local = useAppState((state) => state.local)
  const media = mediaState(local)
  const speaking = useSpeaking(self)
  const label = small ? t('call.you') : t('call.youNamed', { name })
  return (
    <Frame
      name={name}
      label={label}
      className={small ? 'own small' : 'own'}
      speaking={speaking}
      place={place}
    >
      <Avatar name={name} />
      {local.video.track && media.video && (
        <Video track={local.video.track} mirrored label={t('call.youNamed', { name })} />
      )}
      <Plate id={id} label={label} muted={!media.audio} />
    </Frame>
  )
}

type RemoteProps = { participant: RemoteParticipant; place: CSSProperties }

export const RemoteTile = memo(function RemoteTile({ participant, place }: RemoteProps) {
  const { id, name, link } = participant
  const speaking = useSpeaking(id)
  return (
    <Frame name={name} label={name} className={link} speaking={speaking} place={place}>
      <RemoteInside participant={participant} />
    </Frame>
  )
}, sameTile)

const RemoteInside = memo(function RemoteInside({ participant }: Pick<RemoteProps, 'participant'>) {
  const { t } = useTranslation()
  const { id, name, media, video, link, usingRelay } = participant
  const locked = useAppState(
    ({ encryption }) => peerEncryption(encryption.mark, participant) === 'locked',
  )
  return (
    <>
      <Avatar name={name} />
      {video && media.video && !locked && <Video track={video} label={name} />}
      {locked && (
        <div className="tile-veil tile-locked">
          <LockKeyhole aria-hidden="true" />
          <span>{t('encryption.locked', { name })}</span>
        </div>
      )}
      {link !== 'connected' && !locked && (
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
      <Plate id={id} label={name} muted={!media.audio} />
      <div className="tile-corner">
        {usingRelay && link === 'connected' && (
          <span className="relay-chip" title={t('call.relayTile')}>
            <Waypoints aria-hidden="true" />
            {t('relay.short')}
          </span>
        )}
        <VolumeButton id={id} name={name} />
        <PinButton id={id} name={name} />
        <LinkQuality id={id} />
      </div>
    </>
  )
}, sameInside)

/** Keeps one person in the middle; with one other there is nothing to choose. */
function PinButton({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation()
  const pinned = useAppState((state) => state.layout.pinned === id)
  const several = useAppState((state) => state.call.participants.length > 1)
  const layout = cell('layout')
  if (!several) return null
  return (
    <IconButton
      label={t(pinned ? 'layout.unpin' : 'layout.pin', { name })}
      className={pinned ? 'tile-action on' : 'tile-action'}
      onPress={() => layout.set(togglePin(layout.get(), id))}
    >
      {pinned ? <PinOff /> : <Pin />}
    </IconButton>
  )
}

type FrameProps = {
  name: string
  label: string
  className: string
  speaking: boolean
  place: CSSProperties | undefined
  children: ReactNode
}

function Frame({ name, label, className, speaking, place, children }: FrameProps) {
  return (
    <article
      className={speaking ? `tile speaking ${className}` : `tile ${className}`}
      aria-label={label}
      style={{ '--hue': hueOf(name), ...place } as CSSProperties}
    >
      {children}
    </article>
  )
}

function Avatar({ name }: { name: string }) {
  return (
    <span className="avatar" aria-hidden="true">
      {initialsOf(name)}
    </span>
  )
}

function Plate({ id, label, muted }: { id: string; label: string; muted: boolean }) {
  const { t } = useTranslation()
  return (
    <div className="tile-plate">
      {muted && <MicOff role="img" aria-label={t('call.muted', { name: label })} />}
      <span className="tile-name">{label}</span>
      <HandChip id={id} />
    </div>
  )
}
