import '@fontsource-variable/inter/index.css'
import './app/theme.css'
import './app/zod.ts'
import './app/i18n.ts'
import { createRoot } from 'react-dom/client'
import { App } from './app/App.tsx'
import { Boundary } from './app/Boundary.tsx'
import { roomLinkOf, routeOf } from './app/route.ts'
import { beginAppearance } from './features/appearance/ownAppearance.ts'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element with the id "root"')
if (routeOf(location.pathname).page === 'room') {
  // Beside each other, and not each when the one before is there. What fails is asked for again where it is needed.
  import('./features/lobby/RoomPage.tsx').catch(() => {})
  if (roomLinkOf(location.search).autojoin) import('./features/call/ownCall.ts').catch(() => {})
}
await beginAppearance()
createRoot(root).render(
  <Boundary>
    <App />
  </Boundary>,
)
