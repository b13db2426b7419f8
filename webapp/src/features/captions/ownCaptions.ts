import { systemClock } from '../../clock.ts'
import { cell, store } from '../../state.ts'
import { mediaState } from '../media/localState.ts'
import { Captions, onlyWhile } from './Captions.ts'
import { Recognizer, speechSource } from './speechSource.ts'

const captions = new Captions(cell('captions'), systemClock)

export const ownCaptions = {
  /** This browser writes down what is said. */
  possible: Recognizer !== undefined,
  begin(): void {
    const { call, appearance } = store.getState()
    if (!Recognizer) return
    const speech = speechSource(Recognizer, { who: call.name, language: appearance.language })
    captions.begin(onlyWhile(watchMicrophone, speech))
  },
  stop: () => captions.stop(),
}

function watchMicrophone(tell: (on: boolean) => void): () => void {
  tell(mediaState(store.getState().local).audio)
  return store.subscribe(({ local }, before) => {
    const { audio } = mediaState(local)
    if (audio !== mediaState(before.local).audio) tell(audio)
  })
}

store.subscribe(({ call: { phase } }, { call: before }) => {
  if (phase !== before.phase && (phase === 'left' || phase === 'failed')) captions.stop()
})
