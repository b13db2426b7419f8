import '@fontsource-variable/inter/index.css'
import './app/theme.css'
import './app/zod.ts'
import './app/i18n.ts'
import { createRoot } from 'react-dom/client'
import { App } from './app/App.tsx'
import { Boundary } from './app/Boundary.tsx'
import { beginAppearance } from './features/appearance/ownAppearance.ts'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element with the id "root"')
await beginAppearance()
createRoot(root).render(
  <Boundary>
    <App />
  </Boundary>,
)
