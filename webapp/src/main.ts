import '@fontsource-variable/inter/index.css'
import './app/theme.css'
import { isAhead, opened } from './app/ahead.ts'
import { isAskedEarly } from './features/call/earlyJoin.ts'
import { fetchPart } from './ui/fetchPart.ts'

/**
 * The little that comes first, but for `first.ts`. Who joins without a lobby is on the way there before anything is drawn:
 * the answer of the server, the browser's first connection and the others' pictures need nothing of the page, whose code is
 * only run when one of them is seen. What fails here is done again, and told of, where it is needed.
 */
if (isAhead()) await opened()
const { pathname } = location
let endStay = () => {}
const joins = isAskedEarly()
if (joins) {
  const entered = import('./features/lobby/enterEarly.ts')
    .then(({ enterEarly }) => enterEarly(pathname))
    .catch(() => undefined)
  // Beside, and run only later.
  fetchPart('call', 'low')
  const stay = await entered
  if (stay) endStay = stay.end
  await stay?.leisure
}
// All at once: what fails here fails again where it is drawn.
const inRoom = pathname.startsWith('/r/')
import('./app/page.tsx').catch(() => {})
if (joins) import('./features/call/CallPage.tsx').catch(() => {})
if (inRoom) import('./features/lobby/RoomPage.tsx').catch(() => {})
const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element with the id "root"')
try {
  const { drawPage } = await import('./app/page.tsx')
  await drawPage(root, joins ? 'call' : inRoom ? 'room' : null, () => endStay())
} catch (error) {
  // Nobody is in a meeting, with an open microphone, that they do not see.
  endStay()
  // Nothing is there to draw with, nor texts in other languages. Some browsers keep what failed until the page is loaded anew.
  const unloaded = document.querySelector<HTMLTemplateElement>('#unloaded')
  if (unloaded) root.replaceChildren(unloaded.content.cloneNode(true))
  root.querySelector('button')?.addEventListener('click', () => location.reload())
  throw error
}
