import { cell } from '../../state.ts'
import { LocalMedia } from './LocalMedia.ts'

/** This page's microphone and camera. */
export const ownMedia = new LocalMedia(cell('local'), navigator.mediaDevices)

navigator.mediaDevices?.addEventListener('devicechange', () => void ownMedia.listDevices())
