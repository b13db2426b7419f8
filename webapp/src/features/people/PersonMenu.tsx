import { EllipsisVertical, Hand, MicOff, UserX, VideoOff } from 'lucide-react'
import { useState } from 'react'
import { Menu, MenuTrigger, Popover, Separator } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { Confirm } from '../../ui/Confirm.tsx'
import { IconButton } from '../../ui/IconButton.tsx'
import { MenuAction } from '../../ui/MenuAction.tsx'
import { ownCompany } from '../side/ownSide.ts'
import type { Person } from './usePeople.ts'

/** What a host can do about one person. */
export function PersonMenu({ person: { id, name, media, handAt } }: { person: Person }) {
  const { t } = useTranslation()
  const [removing, setRemoving] = useState(false)
  return (
    <>
      <MenuTrigger>
        <IconButton label={t('people.menu', { name })} className="quiet person-menu">
          <EllipsisVertical />
        </IconButton>
        <Popover className="popover menu-popover" placement="bottom end">
          <Menu className="menu" aria-label={t('people.menu', { name })}>
            {handAt !== undefined && (
              <MenuAction
                icon={Hand}
                text={t('people.lowerHand')}
                onAction={() => void ownCompany.lowerHand(id)}
              />
            )}
            {media.audio && (
              <MenuAction
                icon={MicOff}
                text={t('people.mute')}
                onAction={() => void ownCompany.mute('audio', id)}
              />
            )}
            {media.video && (
              <MenuAction
                icon={VideoOff}
                text={t('people.stopCamera')}
                onAction={() => void ownCompany.mute('video', id)}
              />
            )}
            {(handAt !== undefined || media.audio || media.video) && (
              <Separator className="menu-line" />
            )}
            <MenuAction
              icon={UserX}
              text={t('people.remove')}
              danger
              onAction={() => setRemoving(true)}
            />
          </Menu>
        </Popover>
      </MenuTrigger>
      <Confirm
        open={removing}
        title={t('people.removeTitle', { name })}
        text={t('people.removeText')}
        action={t('people.remove')}
        onConfirm={() => void ownCompany.remove(id)}
        onClose={() => setRemoving(false)}
      />
    </>
  )
}
