import { moderates, type Role } from '@parley/protocol'
import { Hand, Mic, MicOff, Video, VideoOff, Waypoints } from 'lucide-react'
import type { CSSProperties } from 'react'
import { useTranslation } from 'react-i18next'
import { hueOf, initialsOf } from '../call/avatar.ts'
import { LinkQuality } from '../call/QualityBars.tsx'
import { VolumeButton } from '../voice/VolumeButton.tsx'
import { PersonMenu } from './PersonMenu.tsx'
import type { Person } from './usePeople.ts'

export function PersonRow({ person, ownRole }: { person: Person; ownRole: Role }) {
  const { t } = useTranslation()
  const { name, role, self, handAt, media, remote } = person
  const MicIcon = media.audio ? Mic : MicOff
  const CameraIcon = media.video ? Video : VideoOff
  return (
    <li className="person">
      <div className="person-row">
        <span
          className="person-avatar"
          style={{ '--hue': hueOf(name) } as CSSProperties}
          aria-hidden="true"
        >
          {initialsOf(name)}
        </span>
        <div className="person-who">
          <span className="person-name">
            <bdi>{name}</bdi>
            {self && <span className="person-you">{t('people.you')}</span>}
          </span>
          {(moderates(role) || remote) && (
            <span className="person-facts">
              {remote && <LinkQuality id={remote.id} />}
              {moderates(role) && (
                <span>{t(`people.role.${role === 'admin' ? 'admin' : 'host'}`)}</span>
              )}
              {remote?.usingRelay && (
                <span className="person-relay" title={t('call.relayTile')}>
                  <Waypoints aria-hidden="true" />
                  {t('relay.short')}
                </span>
              )}
            </span>
          )}
        </div>
        <div className="person-state">
          {handAt !== undefined && (
            <Hand className="person-hand" role="img" aria-label={t('people.handUp')} />
          )}
          <CameraIcon
            className={media.video ? '' : 'is-off'}
            role="img"
            aria-label={t(media.video ? 'people.cameraOn' : 'people.cameraOff')}
          />
          <MicIcon
            className={media.audio ? '' : 'is-off'}
            role="img"
            aria-label={t(media.audio ? 'people.micOn' : 'people.micOff')}
          />
          {remote && <VolumeButton id={remote.id} name={name} />}
          {remote && moderates(ownRole) && (role !== 'admin' || ownRole === 'admin') && (
            <PersonMenu person={person} />
          )}
        </div>
      </div>
    </li>
  )
}
