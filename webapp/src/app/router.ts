import { useSyncExternalStore } from 'react'
import { type Route, routeOf } from './route.ts'

const listeners = new Set<() => void>()

export function navigate(path: string): void {
  history.pushState(null, '', path)
  for (const listener of listeners) listener()
}

/** Instead of the page that is there, to which nobody should come back. */
export function replacePath(path: string): void {
  history.replaceState(null, '', path)
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  addEventListener('popstate', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('popstate', listener)
  }
}

export function useRoute(): Route {
  return routeOf(useSyncExternalStore(subscribe, () => location.pathname))
}
