import {
  Activity,
  Captions,
  Check,
  CircleDot,
  Ellipsis,
  LayoutGrid,
  Link2,
  type LucideIcon,
  Maximize,
  Minimize,
  PictureInPicture2,
  RectangleHorizontal,
  Settings2,
} from 'lucide-react'
import { useState } from 'react'
import { Menu, MenuItem, MenuSection, MenuTrigger, Popover, Separator } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { Confirm } from '../../ui/Confirm.tsx'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { useCopy } from '../../ui/useCopy.ts'
import { wantedLater } from '../../ui/wantedLater.tsx'
import { ownCaptions } from '../captions/ownCaptions.ts'
import { chooseLayout } from '../layout/ownLayout.ts'
import { useFullScreen } from '../layout/useFullScreen.ts'
import { ownMiniature } from '../miniature/ownMiniature.ts'
import { useOwnRole } from '../people/usePeople.ts'
import { ownRecording } from '../recording/ownRecording.ts'
import { Settings } from '../settings/Settings.tsx'
import { useInvite } from './useInvite.ts'

const HealthDialog = wantedLater(() => import('../health/HealthDialog.tsx'))

/** Everything that is not used all the time. */
export function MoreMenu() {
  const { t } = useTranslation()
  const chosen = useAppState((state) => state.layout.chosen)
  const [copied, copy] = useCopy(useInvite())
  const [full, toggleFull] = useFullScreen()
  const role = useOwnRole()
  const mayRecord = useAppState(({ recording }) => recording.recording === null) && role !== 'guest'
  const captioned = useAppState((state) => state.captions.on)
  const [captions, setCaptions] = useState(false)
  const [health, setHealth] = useState(false)
  const [settings, setSettings] = useState(false)
  return (
    <>
      <MenuTrigger>
        <IconButton label={t('controls.more')} className={copied ? 'round done' : 'round'}>
          {copied ? <Check /> : <Ellipsis />}
        </IconButton>
        <Popover className="popover menu-popover" placement="top" offset={10}>
          <Menu className="menu" aria-label={t('controls.more')}>
            <MenuSection
              aria-label={t('layout.label')}
              selectionMode="single"
              disallowEmptySelection
              selectedKeys={[chosen]}
              onSelectionChange={(keys) => {
                for (const key of keys) if (key === 'grid' || key === 'speaker') chooseLayout(key)
              }}
            >
              <Item id="grid" icon={LayoutGrid} text={t('layout.grid')} />
              <Item id="speaker" icon={RectangleHorizontal} text={t('layout.speaker')} />
            </MenuSection>
            <Separator className="menu-line" />
            <Item icon={Link2} text={t('controls.invite')} onAction={copy} />
            {mayRecord && (
              <Item
                icon={CircleDot}
                text={t('recording.begin')}
                onAction={() => void ownRecording.begin()}
              />
            )}
            {ownCaptions.possible && (
              <Item
                icon={Captions}
                text={t(captioned ? 'captions.stop' : 'captions.begin')}
                onAction={() => (captioned ? ownCaptions.stop() : setCaptions(true))}
              />
            )}
            {ownMiniature.possible && (
              <Item
                icon={PictureInPicture2}
                text={t('miniature.open')}
                onAction={() => void ownMiniature.open()}
              />
            )}
            {document.fullscreenEnabled && (
              <Item
                icon={full ? Minimize : Maximize}
                text={t(full ? 'layout.leaveFullScreen' : 'layout.fullScreen')}
                onAction={toggleFull}
              />
            )}
            <Item icon={Activity} text={t('health.title')} onAction={() => setHealth(true)} />
            <Item icon={Settings2} text={t('settings.title')} onAction={() => setSettings(true)} />
          </Menu>
        </Popover>
      </MenuTrigger>
      <Confirm
        open={captions}
        title={t('captions.begin')}
        text={t('captions.where')}
        action={t('captions.agree')}
        onConfirm={ownCaptions.begin}
        onClose={() => setCaptions(false)}
      />
      {health && <HealthDialog onClose={() => setHealth(false)} />}
      <Settings open={settings} onClose={() => setSettings(false)} />
      <span className="visually-hidden" role="status">
        {copied && t('controls.invited')}
      </span>
    </>
  )
}

type ItemProps = { id?: string; icon: LucideIcon; text: string; onAction?: () => void }

function Item({ id, icon: Icon, text, onAction }: ItemProps) {
  return (
    <MenuItem
      className="menu-item"
      textValue={text}
      {...(id !== undefined && { id })}
      {...(onAction && { onAction })}
    >
      {({ isSelected }) => (
        <>
          <Icon aria-hidden="true" />
          <span>{text}</span>
          {isSelected && <Check className="menu-check" aria-hidden="true" />}
        </>
      )}
    </MenuItem>
  )
}
