import { useStore } from 'zustand'
import { type AppState, store } from '../state.ts'

export function useAppState<T>(select: (state: AppState) => T): T {
  return useStore(store, select)
}
