import { CircleDot, Info } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { useNames } from '../encryption/useNames.ts'
import { ownRecording } from './ownRecording.ts'
import './recording.css'

/** The question whether one may be recorded, for who waits for the answers, and what became of it. */
export function RecordingNotices() {
  return (
    <>
      <Question />
      <Notice />
    </>
  )
}

function Question() {
  const { t } = useTranslation()
  const recording = useAppState((state) => state.recording.recording)
  const selfId = useAppState((state) => state.call.selfId)
  const participants = useAppState((state) => state.call.participants)
  const missing = participants.filter(({ id }) => !recording?.agreed.includes(id))
  const names = useNames(missing.map(({ name }) => name))
  if (!recording || recording.on) return null
  const by = participants.find(({ id }) => id === recording.by)?.name ?? ''
  const mine = recording.by === selfId
  const asked = !recording.agreed.includes(selfId)
  return (
    <div className="callout recording-question" role={asked ? 'alert' : 'status'}>
      <CircleDot aria-hidden="true" />
      <div>
        {asked ? t('recording.question', { name: by }) : t('recording.waitsFor', { names })}
      </div>
      {asked && (
        <Button className="button small primary" onPress={() => void ownRecording.answer(true)}>
          {t('recording.yes')}
        </Button>
      )}
      <Button
        className="button small"
        onPress={() => void (mine ? ownRecording.stop() : ownRecording.answer(false))}
      >
        {t(mine ? 'recording.cancel' : asked ? 'recording.no' : 'recording.takeBack')}
      </Button>
    </div>
  )
}

function Notice() {
  const { t } = useTranslation()
  const notice = useAppState((state) => state.recording.notice)
  return (
    <div role="status">
      {notice && (
        <div className="callout">
          <Info aria-hidden="true" />
          <div>{t(`recording.notice.${notice}`)}</div>
        </div>
      )}
    </div>
  )
}
