import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { PushToTalk } from './PushToTalk.ts'
import { Shortcuts } from './Shortcuts.ts'
import { defaultBindings } from './shortcutBindings.ts'

const space = {
  key: ' ',
  code: 'Space',
  ctrlKey: false,
  altKey: false,
  shiftKey: false,
  metaKey: false,
  typing: false,
  onControl: false,
}

function talk(on: boolean) {
  const microphone = { on }
  const pushToTalk = new PushToTalk(
    () => microphone.on,
    (value) => {
      microphone.on = value
    },
  )
  const keys = new Shortcuts(() => defaultBindings, {
    talk: { pressed: () => pushToTalk.press(), released: () => pushToTalk.release() },
  })
  return { microphone, keys, pushToTalk }
}

describe('PushToTalk', () => {
  it('Feature: webrtc-improvements, Property 22: REQ-P22: unmuted exactly while the key is held, whatever keyboard and window do', () => {
    const event = fc.constantFrom('down', 'repeat', 'up', 'blur', 'other', 'shifted up')
    fc.assert(
      fc.property(fc.boolean(), fc.array(event, { maxLength: 30 }), (on, events) => {
        const { microphone, keys } = talk(on)
        /** What the page has heard of the key: a lost window ends a hold, a repeat begins none. */
        let held = false
        for (const what of events) {
          if (what === 'down') keys.down({ ...space, repeat: false })
          if (what === 'repeat') keys.down({ ...space, repeat: true })
          if (what === 'up') keys.up(space)
          if (what === 'shifted up') keys.up({ ...space, shiftKey: true })
          if (what === 'blur') keys.letGo()
          if (what === 'other') keys.up({ ...space, key: 'x', code: 'KeyX' })
          if (what === 'down') held = true
          else if (what !== 'repeat' && what !== 'other') held = false
          expect(microphone.on).toBe(held || on)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('REQ-P22: who was muted by somebody else meanwhile is not unmuted by letting go', () => {
    for (const on of [true, false]) {
      const { microphone, pushToTalk } = talk(on)
      pushToTalk.press()
      microphone.on = false
      pushToTalk.release()
      expect(microphone.on).toBe(false)
    }
  })
})
