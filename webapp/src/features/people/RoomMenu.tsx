import { DoorClosed, Lock, LockOpen, MicOff, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { Menu, MenuTrigger, Popover, Separator } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { Confirm } from '../../ui/Confirm.tsx'
import { IconButton } from '../../ui/IconButton.tsx'
import { MenuAction } from '../../ui/MenuAction.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { ownCompany } from '../side/ownSide.ts'

/** What a host can do about the room. */
export function RoomMenu() {
  const { t } = useTranslation()
  const locked = useAppState((state) => state.company.locked)
  const [ending, setEnding] = useState(false)
  return (
    <>
      <MenuTrigger>
        <IconButton label={t('people.room')} className="room-menu">
          <ShieldCheck />
        </IconButton>
        <Popover className="popover menu-popover" placement="top end">
          <Menu className="menu" aria-label={t('people.room')}>
            <MenuAction
              icon={MicOff}
              text={t('people.muteAll')}
              onAction={() => void ownCompany.mute('audio')}
            />
            <MenuAction
              icon={locked ? LockOpen : Lock}
              text={t(locked ? 'people.unlock' : 'people.lock')}
              onAction={() => void ownCompany.lock(!locked)}
            />
            <Separator className="menu-line" />
            <MenuAction
              icon={DoorClosed}
              text={t('people.end')}
              danger
              onAction={() => setEnding(true)}
            />
          </Menu>
        </Popover>
      </MenuTrigger>
      <Confirm
        open={ending}
        title={t('people.endTitle')}
        text={t('people.endText')}
        action={t('people.end')}
        onConfirm={() => void ownCompany.endForAll()}
        onClose={() => setEnding(false)}
      />
    </>
  )
}
