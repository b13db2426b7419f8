import { part } from '../ui/part.tsx'

/** What of the page comes with code of its own. */
export const RoomPage = part(() => import('../features/lobby/RoomPage.tsx'))
export const CallPage = part(() => import('../features/call/CallPage.tsx'))
export const SignedInPage = part(() => import('../features/signIn/SignedInPage.tsx'))
export const AdminPage = part(() => import('../features/admin/AdminPage.tsx'))
