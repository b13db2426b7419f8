import './i18n.ts'
import { startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { beginAppearance } from '../features/appearance/ownAppearance.ts'
import { App } from './App.tsx'
import { Boundary } from './Boundary.tsx'
import { CallPage, RoomPage } from './parts.ts'

/** Draws the page. @param root where @param ahead what it surely begins with, which is loaded first */
export async function drawPage(root: HTMLElement, ahead: 'room' | 'call' | null): Promise<void> {
  const parts = ahead === null ? [] : ahead === 'room' ? [RoomPage] : [RoomPage, CallPage]
  await Promise.all([
    beginAppearance(),
    // What does not come is asked for again, and told of, where it is drawn.
    Promise.allSettled(parts.map((part) => part.load())),
  ])
  // React keeps to itself what a boundary catches: here it is a fault of the page as any other, and told of.
  const page = createRoot(root, { onCaughtError: (error) => reportError(error) })
  // A transition: bit by bit, with room for what else the page does.
  startTransition(() =>
    page.render(
      <Boundary>
        <App />
      </Boundary>,
    ),
  )
}
