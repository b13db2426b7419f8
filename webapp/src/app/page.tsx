import './i18n.ts'
import { createRoot } from 'react-dom/client'
import { beginAppearance } from '../features/appearance/ownAppearance.ts'
import { App } from './App.tsx'
import { Boundary } from './Boundary.tsx'

/** Draws the page. @param root where */
export async function drawPage(root: HTMLElement): Promise<void> {
  await beginAppearance()
  // React keeps to itself what a boundary catches: here it is a fault of the page as any other, and told of.
  createRoot(root, { onCaughtError: (error) => reportError(error) }).render(
    <Boundary>
      <App />
    </Boundary>,
  )
}
