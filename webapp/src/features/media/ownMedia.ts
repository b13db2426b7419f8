import { cell, store } from '../../state.ts'
import { ownPreferences } from '../settings/ownPreferences.ts'
import { setAudioSpeaker } from '../voice/audio.ts'
import { LocalMedia } from './LocalMedia.ts'
import { speakerOf } from './speaker.ts'

/** This page's microphone, camera and speaker. */
export const ownMedia = new LocalMedia(cell('local'), ownPreferences, navigator.mediaDevices)

navigator.mediaDevices?.addEventListener('devicechange', () => void ownMedia.devicesChanged())

// Who lifts a denial in the browser's settings need not press "try again", too.
for (const name of ['camera', 'microphone'] as const)
  navigator.permissions
    ?.query({ name: name as PermissionName })
    .then((status) => {
      status.onchange = () => {
        if (status.state === 'granted') void ownMedia.permissionGiven()
      }
    })
    .catch(() => {}) // Browsers that do not tell of these.

store.subscribe((state, before) => {
  if (speakerOf(state) !== speakerOf(before)) setAudioSpeaker(speakerOf(state))
})
