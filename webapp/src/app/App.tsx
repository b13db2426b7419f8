import { useEffect } from 'react'
import { I18nProvider } from 'react-aria-components'
import { LandingPage } from '../features/landing/LandingPage.tsx'
import { useAppState } from '../ui/useAppState.ts'
import { AdminPage, RoomPage, SignedInPage } from './parts.ts'
import { useRoute } from './router.ts'

export function App() {
  const language = useAppState((state) => state.appearance.language)
  useEffect(() => {
    // After everything that a person waits for.
    import('../features/faults/ownFaults.ts').then(
      (faults) => faults.beginFaultReports(),
      () => {},
    )
  }, [])
  // Else what components say, and which way arrow keys go, would be of the browser's language, which the page may not speak.
  return (
    <I18nProvider locale={language}>
      <Page />
    </I18nProvider>
  )
}

function Page() {
  const route = useRoute()
  if (route.page === 'landing') return <LandingPage />
  if (route.page === 'not-found') return <LandingPage notFound />
  if (route.page === 'signed-in') return <SignedInPage />
  if (route.page === 'admin') return <AdminPage />
  return <RoomPage key={location.pathname} room={route.page === 'room' ? route.room : undefined} />
}
