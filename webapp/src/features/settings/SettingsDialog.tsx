import { Keyboard, type LucideIcon, Mic, SunMoon, Video } from 'lucide-react'
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { DialogFrame } from '../../ui/DialogFrame.tsx'
import { AppearanceSettings } from '../appearance/AppearanceSettings.tsx'
import { AudioSettings } from './AudioSettings.tsx'
import { ShortcutSettings } from './ShortcutSettings.tsx'
import './settings.css'
import { VideoSettings } from './VideoSettings.tsx'

type Section = { id: string; icon: LucideIcon; title: string; Content: () => React.JSX.Element }

const sections = [
  { id: 'audio', icon: Mic, title: 'settings.audio.title', Content: AudioSettings },
  { id: 'video', icon: Video, title: 'settings.video.title', Content: VideoSettings },
  { id: 'keys', icon: Keyboard, title: 'settings.keys.title', Content: ShortcutSettings },
  { id: 'look', icon: SunMoon, title: 'appearance.title', Content: AppearanceSettings },
] as const satisfies readonly Section[]

/** Devices, voice, keys and looks (REQ-W4); what is changed holds at once, and is kept. */
export default function SettingsDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <DialogFrame
      title={t('settings.title')}
      close={t('settings.close')}
      className="settings"
      onClose={onClose}
    >
      <Tabs className="settings-tabs" orientation="horizontal">
        <TabList className="settings-list" aria-label={t('settings.title')}>
          {sections.map(({ id, icon: Icon, title }) => (
            <Tab key={id} id={id} className="settings-tab">
              <Icon aria-hidden="true" />
              {t(title)}
            </Tab>
          ))}
        </TabList>
        {sections.map(({ id, Content }) => (
          <TabPanel key={id} id={id} className="settings-panel">
            <Content />
          </TabPanel>
        ))}
      </Tabs>
    </DialogFrame>
  )
}
