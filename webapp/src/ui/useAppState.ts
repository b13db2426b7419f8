import { useSyncExternalStore } from 'react'
import { type AppState, store } from '../state.ts'
import { Drawing, nextPicture } from './Drawing.ts'

const drawing = new Drawing(nextPicture)
store.subscribe(({ call, company, ...rest }, before) => {
  // What the person at this page does is drawn at once.
  const own = (Object.keys(rest) as (keyof typeof rest)[]).some((key) => rest[key] !== before[key])
  if (own) drawing.now()
  else drawing.soon()
})
export const drawNow = () => drawing.now()

export function useAppState<T>(select: (state: AppState) => T): T {
  return useSyncExternalStore(drawing.subscribe, () => select(store.getState()))
}
