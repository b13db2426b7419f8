import { cell, store } from '../../state.ts'
import { loadPreferences, savePreferences } from './preferences.ts'

/** What the person who uses this page chose; kept in the browser's storage. */
export const ownPreferences = cell('preferences')

const storage = () => localStorage

ownPreferences.set(loadPreferences(storage))

store.subscribe(({ preferences }, before) => {
  if (preferences !== before.preferences) savePreferences(storage, preferences)
})
