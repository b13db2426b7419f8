import { systemClock } from '../../clock.ts'
import { cell, store } from '../../state.ts'
import { randomId } from '../../ui/randomId.ts'
import { mediaState } from '../media/localState.ts'
import type { Scene } from './CallRecorder.ts'
import { joinConsent } from './joinConsent.ts'
import { Recording } from './Recording.ts'

const view = cell('recording')

/** This page's. What writes is loaded when somebody wants to record. */
export const ownRecording = new Recording({
  view,
  clock: systemClock,
  newId: randomId,
  async openRecorder(onEnd) {
    const [{ CallRecorder, recordingType }, { openSink }] = await Promise.all([
      import('./CallRecorder.ts'),
      import('./sinks.ts'),
    ])
    const type = recordingType()
    if (type === undefined) throw new Error('this browser records nothing')
    const { room } = store.getState().call
    const at = new Date().toISOString().slice(0, 16).replace(/[T:]/g, '-')
    const sink = await openSink(`${room}-${at}`, type)
    if (!sink) return undefined
    const onBytes = (bytes: number) => view.set({ bytes })
    let recorder: InstanceType<typeof CallRecorder>
    try {
      recorder = new CallRecorder(type, { scene, sink, onBytes, onEnd })
    } catch (error) {
      await sink.discard().catch(() => {})
      throw error
    }
    return {
      run: () => recorder.run(),
      pause: () => recorder.pause(),
      async stop() {
        const outcome = await recorder.stop()
        view.set({ bytes: null })
        return outcome
      },
    }
  },
})

store.subscribe(({ call: { phase } }, { call: before }) => {
  if (phase === before.phase) return
  // A yes that was given before the door was for the stay that began then.
  if (phase === 'left') joinConsent.give(false)
  // The seat is gone, and what it recorded is over: the file is to be whole before anybody closes the tab.
  if (phase === 'failed') ownRecording.left()
})

/** Everybody, what is shared, and oneself, as they are on the page now. */
function scene(): Scene {
  const { call, local, share } = store.getState()
  const others = call.participants
  const heard = others.flatMap(({ audio, screenAudio }) => [audio, screenAudio])
  const own = mediaState(local)
  return {
    videos: [
      ...others.flatMap(({ id, name, media, screen }) =>
        media.screen && screen ? [{ key: `screen ${id}`, name, track: screen }] : [],
      ),
      ...(share.screen ? [{ key: 'own screen', name: call.name, track: share.screen }] : []),
      ...others.map(({ id, name, media, video }) => ({
        key: id,
        name,
        track: media.video ? video : null,
      })),
      { key: 'own', name: call.name, track: own.video ? local.video.track : null },
    ],
    sounds: [...heard, own.audio ? local.audio.track : null, share.sound].filter(
      (track) => track !== null,
    ),
  }
}
