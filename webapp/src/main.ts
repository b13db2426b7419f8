import '@fontsource-variable/inter/index.css'
import './app/theme.css'
import { askEarly, earlyRequest } from './features/call/earlyJoin.ts'

/**
 * The little that comes first. Who joins without a lobby is on the way there before anything is drawn: the answer of
 * the server, the browser's first connection and the code of the call need nothing of the page. What fails here is done
 * again, and told of, where it is needed.
 */
const { pathname, search, hash } = location
let leisure: Promise<void> | undefined
let endStay = () => {}
const request = earlyRequest({
  ...{ pathname, search, hash },
  storage: () => localStorage,
  tabStorage: () => sessionStorage,
})
if (request) {
  askEarly(request)
  const entered = import('./features/lobby/enterEarly.ts')
    .then(({ enterEarly }) => enterEarly(pathname))
    .catch(() => undefined)
  // A browser takes its time to make a page's first one.
  if ('RTCPeerConnection' in window) new RTCPeerConnection().close()
  const stay = await entered
  if (stay) endStay = stay.end
  leisure = stay?.leisure
}
// Run while answers are on their way: what fails here fails again where it is drawn.
const inRoom = pathname.startsWith('/r/')
import('./app/page.tsx').catch(() => {})
if (request) import('./features/call/CallPage.tsx').catch(() => {})
if (inRoom) import('./features/lobby/RoomPage.tsx').catch(() => {})
await leisure
const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element with the id "root"')
try {
  const { drawPage } = await import('./app/page.tsx')
  await drawPage(root, request ? 'call' : inRoom ? 'room' : null, () => endStay())
} catch (error) {
  // Nobody is in a meeting, with an open microphone, that they do not see.
  endStay()
  // Nothing is there to draw with, nor texts in other languages. Some browsers keep what failed until the page is loaded anew.
  const unloaded = document.querySelector<HTMLTemplateElement>('#unloaded')
  if (unloaded) root.replaceChildren(unloaded.content.cloneNode(true))
  root.querySelector('button')?.addEventListener('click', () => location.reload())
  throw error
}
