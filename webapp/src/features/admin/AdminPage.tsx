import './adminTexts.ts'
import { KeyRound } from 'lucide-react'
import { lazy, Suspense, useEffect } from 'react'
import { Button, Tab, TabList, TabPanel, Tabs } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { Loading } from '../../ui/Loading.tsx'
import { Logo } from '../../ui/Logo.tsx'
import { AppearanceButton } from '../appearance/AppearanceButton.tsx'
import { MessagePage } from '../lobby/EndPages.tsx'
import { lookForSignIn } from '../signIn/signInLook.ts'
import './admin.css'
import type { AdminAccess } from './AdminSession.ts'
import { AlertList } from './AlertList.tsx'
import { forgetAdminLink } from './adminLink.ts'
import { LiveTab } from './LiveTab.tsx'
import { ownBoard, ownSession } from './ownAdmin.ts'
import { Tiles } from './Tiles.tsx'

const SignInButton = lazy(() => import('../signIn/SignInButton.tsx'))
const QualityTab = lazy(() => import('./QualityTab.tsx'))
const HttpTab = lazy(() => import('./HttpTab.tsx'))

/** `/admin`: every meeting of a tenant as it is now, for who may see that (REQ-A1, REQ-A2). */
export default function AdminPage() {
  const { t } = useTranslation()
  const access = useStore(ownSession.access)
  useEffect(() => {
    void ownSession.enter()
    return () => ownSession.leave()
  }, [])
  useEffect(() => {
    document.title = t('admin.title')
  }, [t])
  if (access.phase === 'entering') return <Loading />
  if (access.phase === 'out') return <Outside access={access} />
  return <Board access={access} />
}

function Board({ access }: { access: AdminAccess & { phase: 'in' } }) {
  const { t } = useTranslation()
  const live = useStore(ownBoard.store, (state) => state.live)
  const open = useStore(
    ownBoard.store,
    ({ alerts }) => [...alerts.values()].filter(({ state }) => state === 'open').length,
  )
  return (
    <div className="admin">
      <header>
        <Logo />
        <p className="admin-tenant">
          {access.name && <span>{access.name}</span>}
          <span>{t('admin.tenant', { tenant: access.tenant })}</span>
          <span className={live ? 'admin-live' : 'admin-live stale'} role="status">
            {t(live ? 'admin.live' : 'admin.stale')}
          </span>
        </p>
        <AppearanceButton />
      </header>
      <main>
        <h1 className="visually-hidden">{t('admin.headline')}</h1>
        <Tiles />
        <Tabs>
          <TabList className="admin-tabs" aria-label={t('admin.headline')}>
            <Tab id="live">{t('admin.tab.live')}</Tab>
            <Tab id="quality">{t('admin.tab.quality')}</Tab>
            <Tab id="alerts">{t('admin.tab.alerts', { open })}</Tab>
            {access.ofServer && <Tab id="http">{t('admin.tab.http')}</Tab>}
          </TabList>
          <TabPanel id="live">
            <LiveTab />
          </TabPanel>
          <TabPanel id="quality">
            <Suspense fallback={<Loading />}>
              <QualityTab />
            </Suspense>
          </TabPanel>
          <TabPanel id="alerts">
            <AlertList />
          </TabPanel>
          {access.ofServer && (
            <TabPanel id="http">
              <Suspense fallback={<Loading />}>
                <HttpTab />
              </Suspense>
            </TabPanel>
          )}
        </Tabs>
      </main>
    </div>
  )
}

function Outside({ access }: { access: AdminAccess & { phase: 'out' } }) {
  const { t } = useTranslation()
  useEffect(() => {
    if (access.signIn) void lookForSignIn()
  }, [access.signIn])
  return (
    <MessagePage
      icon={KeyRound}
      title={t(`admin.out.${access.problem}.title`)}
      text={t(`admin.out.${access.problem}.fix`)}
      alert
    >
      {access.signIn && (
        <Suspense>
          <SignInButton />
        </Suspense>
      )}
      {access.problem !== 'nothing-shown' && (
        <Button
          className="button"
          onPress={() => {
            // Where nobody was asked who it is, the link may be as good as before.
            if (access.problem !== 'away' && access.problem !== 'turned-off')
              forgetAdminLink(() => sessionStorage)
            void ownSession.enter()
          }}
        >
          {t('admin.again')}
        </Button>
      )}
    </MessagePage>
  )
}
