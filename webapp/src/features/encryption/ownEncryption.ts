import { cell, store } from '../../state.ts'
import { Encryption } from './Encryption.ts'

/** This page's, on its own address. */
export const ownEncryption = new Encryption({
  state: cell('encryption'),
  subtle: globalThis.crypto.subtle,
  random: (bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
  fragment: {
    get: () => location.hash,
    // Not a step that “back” goes over.
    set: (fragment) => history.replaceState(history.state, '', fragment),
  },
})

cell('encryption').set({ possible: canEncrypt() })

const follow = () => {
  const { room } = store.getState().call
  if (room !== '') void ownEncryption.follow(room)
}
follow()
store.subscribe((state, before) => {
  if (state.call.room !== before.call.room) follow()
})
addEventListener('hashchange', follow)

/** Frames can be worked on between the encoder and the network, in one of the two ways that browsers have. */
function canEncrypt(): boolean {
  return (
    globalThis.crypto.subtle !== undefined &&
    ('RTCRtpScriptTransform' in window || 'createEncodedStreams' in RTCRtpSender.prototype)
  )
}
