import { store } from '../../state.ts'
import type { CallState } from '../call/callState.ts'
import { toggleMedia } from '../media/toggleMedia.ts'
import { ownPushToTalk } from './ownPushToTalk.ts'
import { keyInputOf, Shortcuts } from './Shortcuts.ts'

const inCall = ({ phase }: CallState) => phase === 'joining' || phase === 'joined'

/**
 * Keys act from when one is on the way into a call, also before it is drawn (REQ-P18): whoever joins straight away is heard
 * by then.
 */
export function followShortcuts(leave: () => void): void {
  let stop: (() => void) | undefined
  const follow = (call: CallState) => {
    if (inCall(call)) stop ??= listen(leave)
    else {
      stop?.()
      stop = undefined
    }
  }
  store.subscribe(({ call }, before) => call !== before.call && follow(call))
  follow(store.getState().call)
}

/** @returns what ends it */
function listen(leave: () => void): () => void {
  const shortcuts = new Shortcuts(() => store.getState().preferences.shortcuts, {
    mute: () => {
      // While a key talks, that key alone says who hears (REQ-P22).
      if (!ownPushToTalk.held) void toggleMedia('audio')
    },
    camera: () => void toggleMedia('video'),
    leave,
    // Comes with what is drawn; what does not come is told of there.
    share: () => void import('../share/ownShare.ts').then(({ ownShare }) => ownShare.toggle()),
    talk: { pressed: () => ownPushToTalk.press(), released: () => ownPushToTalk.release() },
  })
  const ended = new AbortController()
  const { signal } = ended
  const on = (act: (event: KeyboardEvent) => boolean) => (event: KeyboardEvent) => {
    if (!act(event)) return
    event.preventDefault()
    // Nor may a button that was clicked last take Space for a press.
    event.stopPropagation()
  }
  const letGo = () => shortcuts.letGo()
  const early = { capture: true, signal }
  addEventListener(
    'keydown',
    on((event) => shortcuts.down(keyInputOf(event))),
    early,
  )
  addEventListener(
    'keyup',
    on((event) => shortcuts.up(event)),
    early,
  )
  addEventListener('blur', letGo, { signal })
  document.addEventListener('visibilitychange', () => document.hidden && letGo(), { signal })
  return () => {
    letGo()
    ended.abort()
  }
}
