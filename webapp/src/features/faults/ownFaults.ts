import { roomLinkOf } from '../../app/route.ts'
import { store } from '../../state.ts'
import { randomId } from '../../ui/randomId.ts'
import { ownName } from '../call/callMemory.ts'
import { loadPageConfig } from '../signIn/pageConfig.ts'
import { FaultReports } from './FaultReports.ts'

const sendMs = 5000

/** Reports this page's faults, where the server says to whom. Never rejects. */
export async function beginFaultReports(): Promise<void> {
  const loaded = await loadPageConfig().catch(() => undefined)
  const errors = loaded?.config.errors
  if (!errors) return
  const { dsn, environment, release } = errors
  const reports = new FaultReports({
    dsn,
    about: { environment, release, browser: navigator.userAgent },
    now: () => Date.now(),
    newId: randomId,
    known() {
      const { call } = store.getState()
      // In the lobby nobody has joined by that name yet.
      const own = [call.name, ownName.read(), roomLinkOf(location.search).name ?? '']
      return [call.room, call.selfId, ...own, ...call.participants.map(({ name }) => name)]
    },
    send: (url, body) =>
      fetch(url, {
        method: 'POST',
        body,
        // Also of a page that goes away.
        keepalive: true,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        signal: AbortSignal.timeout(sendMs),
      }),
  })
  addEventListener('error', ({ error }) => void reports.report(error))
  addEventListener('unhandledrejection', ({ reason }) => void reports.report(reason))
}
