import { useEffect } from 'react'
import { leaveCall } from '../lobby/stay.ts'
import { toggleMedia } from '../media/toggleMedia.ts'

/** One catalogue of what keys do in a call. */
const shortcuts: Record<string, () => unknown> = {
  m: () => toggleMedia('audio'),
  v: () => toggleMedia('video'),
  d: () => leaveCall(),
}

export function useShortcuts(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
      const { target } = event
      if (target instanceof HTMLElement && target.closest('input, textarea, select')) return
      const act = shortcuts[event.key.toLowerCase()]
      if (!act) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [])
}
