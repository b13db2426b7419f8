import { useEffect } from 'react'
import { LandingPage } from '../features/landing/LandingPage.tsx'
import { AdminPage, RoomPage, SignedInPage } from './parts.ts'
import { useRoute } from './router.ts'

export function App() {
  const route = useRoute()
  useEffect(() => {
    // After everything that a person waits for.
    import('../features/faults/ownFaults.ts').then(
      (faults) => faults.beginFaultReports(),
      () => {},
    )
  }, [])
  if (route.page === 'landing') return <LandingPage />
  if (route.page === 'not-found') return <LandingPage notFound />
  if (route.page === 'signed-in') return <SignedInPage />
  if (route.page === 'admin') return <AdminPage />
  return <RoomPage key={location.pathname} room={route.page === 'room' ? route.room : undefined} />
}
