import { lazy, Suspense, useEffect } from 'react'
import { LandingPage } from '../features/landing/LandingPage.tsx'
import { Loading } from '../ui/Loading.tsx'
import { useRoute } from './router.ts'

const SignedInPage = lazy(() => import('../features/signIn/SignedInPage.tsx'))
const AdminPage = lazy(() => import('../features/admin/AdminPage.tsx'))
const RoomPage = lazy(() => import('../features/lobby/RoomPage.tsx'))

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
  if (route.page === 'signed-in')
    return (
      <Suspense fallback={<Loading />}>
        <SignedInPage />
      </Suspense>
    )
  if (route.page === 'admin')
    return (
      <Suspense fallback={<Loading />}>
        <AdminPage />
      </Suspense>
    )
  return (
    <Suspense fallback={<Loading />}>
      <RoomPage key={location.pathname} room={route.page === 'room' ? route.room : undefined} />
    </Suspense>
  )
}
