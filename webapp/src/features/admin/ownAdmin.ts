import { systemClock } from '../../clock.ts'
import { keep, kept } from '../../ui/kept.ts'
import { signInOfTab } from '../signIn/signInLook.ts'
import { AdminBoard } from './AdminBoard.ts'
import { AdminSession } from './AdminSession.ts'
import { requestAdminToken } from './adminApi.ts'
import { adminLink } from './adminLink.ts'
import { openAdminSocket } from './adminSocket.ts'

const acknowledgedKey = 'parley.admin.acknowledged'

export const ownBoard = new AdminBoard({
  now: () => Date.now(),
  acknowledged: {
    read: () => marksOf(kept(acknowledgedKey)),
    keep: (marks) => keep(acknowledgedKey, JSON.stringify(marks)),
  },
})

/** This tab's. */
export const ownSession = new AdminSession({
  board: ownBoard,
  clock: systemClock,
  async proof() {
    const link = adminLink(location.hash, () => sessionStorage)
    // Out of sight, and out of the history of this tab.
    if (location.hash !== '') history.replaceState(null, '', location.pathname)
    if (link !== null) return { link }
    const identity = await (await signInOfTab())?.identity()
    return identity ?? {}
  },
  requestToken: requestAdminToken,
  openSocket: openAdminSocket,
})

function marksOf(text: string | null): string[] {
  try {
    const marks: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(marks) ? marks.filter((mark) => typeof mark === 'string') : []
  } catch {
    return []
  }
}
