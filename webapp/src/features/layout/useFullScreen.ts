import { useSyncExternalStore } from 'react'

/** @returns whether the page has the whole screen, and what changes that. */
export function useFullScreen(): [full: boolean, toggle: () => void] {
  const full = useSyncExternalStore(subscribe, () => document.fullscreenElement !== null)
  const toggle = () => {
    // Refused where the browser asks for a click that it did not see: then nothing happens.
    const done = full ? document.exitFullscreen() : document.documentElement.requestFullscreen()
    done.catch(() => {})
  }
  return [full, toggle]
}

function subscribe(listener: () => void): () => void {
  document.addEventListener('fullscreenchange', listener)
  return () => document.removeEventListener('fullscreenchange', listener)
}
