import '@fontsource-variable/inter/index.css'
import './app/theme.css'
import { askEarly, earlyRequest } from './features/call/earlyJoin.ts'

/**
 * The little that comes first. Who joins without a lobby is on the way there before anything is drawn: the answer of
 * the server, the browser's first connection and the code of the call need nothing of the page. What fails here is done
 * again, and told of, where it is needed.
 */
const { pathname, search, hash } = location
const request = earlyRequest({
  ...{ pathname, search, hash },
  storage: () => localStorage,
  tabStorage: () => sessionStorage,
})
if (request) {
  askEarly(request)
  const entered = import('./features/lobby/enterEarly.ts')
    .then(({ enterEarly }) => enterEarly(pathname))
    .catch(() => {})
  // A browser takes its time to make a page's first one.
  if ('RTCPeerConnection' in window) new RTCPeerConnection().close()
  await entered
  import('./features/call/CallPage.tsx').catch(() => {})
}
if (pathname.startsWith('/r/')) import('./features/lobby/RoomPage.tsx').catch(() => {})
const { drawPage } = await import('./app/page.tsx')
const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element with the id "root"')
await drawPage(root)
