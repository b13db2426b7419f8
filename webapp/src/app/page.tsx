import './i18n.ts'
import { startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { systemClock, within } from '../clock.ts'
import { beginAppearance } from '../features/appearance/ownAppearance.ts'
import { App } from './App.tsx'
import { Boundary } from './Boundary.tsx'
import { CallPage, RoomPage } from './parts.ts'

/** So long an empty page is shown at most for want of code: after that, that it loads. */
const emptyMs = 1000

/**
 * Draws the page.
 * @param root where
 * @param ahead what it surely begins with, which is loaded first
 * @param onBroken it cannot be drawn, or not any more: a room that was entered before may never have been
 */
export async function drawPage(
  root: HTMLElement,
  ahead: 'room' | 'call' | null,
  onBroken: () => void,
): Promise<void> {
  const parts = ahead === null ? [] : ahead === 'room' ? [RoomPage] : [RoomPage, CallPage]
  // What does not come is asked for again, and told of, where it is drawn.
  const loaded = Promise.allSettled(parts.map((part) => part.load()))
  await Promise.all([beginAppearance(), within(systemClock, emptyMs, loaded)])
  // React keeps to itself what a boundary catches: here it is a fault of the page as any other, and told of.
  const page = createRoot(root, { onCaughtError: (error) => reportError(error) })
  document.querySelector('.undrawn')?.remove()
  // A transition: bit by bit, with room for what else the page does.
  startTransition(() =>
    page.render(
      <Boundary onBroken={onBroken}>
        <App />
      </Boundary>,
    ),
  )
}
