import type { CaptionSource } from './Captions.ts'

type Recognized = { isFinal: boolean; 0: { transcript: string } | undefined }
type SpeechRecognition = {
  lang: string
  continuous: boolean
  interimResults: boolean
  onresult: (event: { resultIndex: number; results: ArrayLike<Recognized> }) => void
  onerror: (event: { error: string }) => void
  onend: () => void
  start(): void
  abort(): void
}
type Recognizers = Record<
  'SpeechRecognition' | 'webkitSpeechRecognition',
  (new () => SpeechRecognition) | undefined
>

/** The browser's own recognition of speech, where it has one. */
export const Recognizer =
  (window as unknown as Recognizers).SpeechRecognition ??
  (window as unknown as Recognizers).webkitSpeechRecognition

/** It ends after each silence, and begins again. */
const passing: ReadonlySet<string> = new Set(['no-speech', 'aborted', 'network'])
const restartMs = 500
/** So often one after the other its network may be away, and then there is none. */
const awayMax = 5

/**
 * What is said into this device's microphone, written down by the browser, most of which send the sound to their
 * makers for it: to be begun only by a person who was told so.
 *
 * @param language BCP 47
 */
export function speechSource(
  Speech: NonNullable<typeof Recognizer>,
  { who, language }: { who: string; language: string },
): CaptionSource {
  let round = 0
  return {
    begin(say, ended) {
      const recognition = new Speech()
      let over = false
      let away = 0
      Object.assign(recognition, { lang: language, continuous: true, interimResults: true })
      recognition.onresult = ({ resultIndex, results }) => {
        away = 0
        for (let i = resultIndex; i < results.length; i++) {
          const { isFinal = false, 0: best } = results[i] ?? { 0: undefined }
          const text = best?.transcript.trim()
          if (text) say({ key: `${round} ${i}`, who, text, final: isFinal })
        }
      }
      recognition.onerror = ({ error }) => {
        if (error === 'network') away++
        if (over || (passing.has(error) && away < awayMax)) return
        over = true
        ended(error === 'not-allowed' || error === 'service-not-allowed' ? 'refused' : 'failed')
      }
      recognition.onend = () => {
        round++
        if (!over) setTimeout(() => over || recognition.start(), restartMs)
      }
      recognition.start()
      return () => {
        over = true
        round++
        recognition.abort()
      }
    },
  }
}
