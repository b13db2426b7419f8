import { useEffect } from 'react'
import { store } from '../../state.ts'
import { leaveCall } from '../lobby/stay.ts'
import { toggleMedia } from '../media/toggleMedia.ts'
import { ownPushToTalk } from './ownVoice.ts'
import { keyInputOf, type ShortcutHandlers, Shortcuts } from './Shortcuts.ts'

const handlers: ShortcutHandlers = {
  mute: () => {
    // While a key talks, that key alone says who hears (REQ-P22).
    if (!ownPushToTalk.held) void toggleMedia('audio')
  },
  camera: () => void toggleMedia('video'),
  leave: () => leaveCall(),
  talk: { pressed: () => ownPushToTalk.press(), released: () => ownPushToTalk.release() },
}

/** @param share starts or stops sharing the screen, where the page can */
export function useShortcuts(share?: () => void): void {
  useEffect(() => {
    const shortcuts = new Shortcuts(() => store.getState().preferences.shortcuts, {
      ...handlers,
      ...(share && { share }),
    })
    const on = (act: (event: KeyboardEvent) => boolean) => (event: KeyboardEvent) => {
      if (!act(event)) return
      event.preventDefault()
      // Nor may a button that was clicked last take Space for a press.
      event.stopPropagation()
    }
    const down = on((event) => shortcuts.down(keyInputOf(event)))
    const up = on((event) => shortcuts.up(event))
    const letGo = () => shortcuts.letGo()
    const hidden = () => document.hidden && letGo()
    addEventListener('keydown', down, { capture: true })
    addEventListener('keyup', up, { capture: true })
    addEventListener('blur', letGo)
    document.addEventListener('visibilitychange', hidden)
    return () => {
      letGo()
      removeEventListener('keydown', down, { capture: true })
      removeEventListener('keyup', up, { capture: true })
      removeEventListener('blur', letGo)
      document.removeEventListener('visibilitychange', hidden)
    }
  }, [share])
}
