import { X } from 'lucide-react'
import { type KeyboardEvent, useLayoutEffect, useRef } from 'react'
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { ChatPanel } from '../chat/ChatPanel.tsx'
import { PeoplePanel } from '../people/PeoplePanel.tsx'
import { showSide } from './ownSide.ts'
import './side.css'
import type { SideTab } from './sideState.ts'

/** Chat and people: beside the tiles, or over the whole of a phone. */
export function SidePanel() {
  const tab = useAppState((state) => state.side.tab)
  return tab && <OpenPanel tab={tab} />
}

const sheet = '(width <= 47.5em)'

function OpenPanel({ tab }: { tab: SideTab }) {
  const { t } = useTranslation()
  const count = useAppState((state) => state.call.participants.length + 1)
  const unread = useAppState((state) => state.chat.unread)
  const panel = useRef<HTMLElement>(null)
  usePanelFocus(panel)
  const pressed = (event: KeyboardEvent) => {
    // Not that of a menu or a dialog, which are children for React alone.
    if (event.key !== 'Escape' || !panel.current?.contains(event.target as Node)) return
    event.stopPropagation()
    showSide(null)
  }
  return (
    <aside
      ref={panel}
      className="side-panel"
      aria-label={t('side.label')}
      tabIndex={-1}
      onKeyDown={pressed}
    >
      <Tabs
        className="side-tabs"
        selectedKey={tab}
        onSelectionChange={(key) => showSide(key === 'people' ? 'people' : 'chat')}
      >
        <div className="side-head">
          <TabList className="side-list" aria-label={t('side.label')}>
            <Tab id="chat" className="side-tab">
              {t('side.chat')}
              {unread > 0 && <span className="count-badge">{unread > 99 ? '99+' : unread}</span>}
            </Tab>
            <Tab id="people" className="side-tab">
              {t('side.people')}
              <span className="side-count">{count}</span>
            </Tab>
          </TabList>
          <IconButton label={t('side.close')} className="quiet" onPress={() => showSide(null)}>
            <X />
          </IconButton>
        </div>
        <TabPanel id="chat" className="side-body">
          <ChatPanel />
        </TabPanel>
        <TabPanel id="people" className="side-body">
          <PeoplePanel />
        </TabPanel>
      </Tabs>
    </aside>
  )
}

/**
 * The focus goes in with the panel, and back to what opened it. As a sheet it covers everything else, which the
 * keyboard then does not reach. In a layout effect, which comes before what is in the panel takes the focus.
 */
function usePanelFocus(panel: React.RefObject<HTMLElement | null>) {
  useLayoutEffect(() => {
    const before = document.activeElement
    const element = panel.current
    const query = matchMedia(sheet)
    const covered = new Set<HTMLElement>()
    const uncover = () => {
      for (const one of covered) one.inert = false
      covered.clear()
    }
    const cover = () => {
      uncover()
      if (!query.matches) return
      for (const one of element?.parentElement?.children ?? [])
        if (one instanceof HTMLElement && one !== element) {
          one.inert = true
          covered.add(one)
        }
    }
    element?.focus()
    cover()
    query.addEventListener('change', cover)
    return () => {
      query.removeEventListener('change', cover)
      uncover()
      const now = document.activeElement
      // Else the person is somewhere else by now.
      if (now && now !== document.body && !element?.contains(now)) return
      // A toast that opened the panel is gone.
      const opener =
        before instanceof HTMLElement && before.isConnected && before !== document.body
          ? before
          : document.querySelector<HTMLElement>('.side-buttons .bar-button')
      opener?.focus()
    }
  }, [panel])
}
