import { systemClock } from '../../clock.ts'
import { cell, store } from '../../state.ts'
import { Captions } from './Captions.ts'
import { Recognizer, speechSource } from './speechSource.ts'

const captions = new Captions(cell('captions'), systemClock)

export const ownCaptions = {
  /** This browser writes down what is said. */
  possible: Recognizer !== undefined,
  begin(): void {
    const { call, appearance } = store.getState()
    if (Recognizer)
      captions.begin(speechSource(Recognizer, { who: call.name, language: appearance.language }))
  },
  stop: () => captions.stop(),
}

store.subscribe(({ call: { phase } }, { call: before }) => {
  if (phase !== before.phase && (phase === 'left' || phase === 'failed')) captions.stop()
})
