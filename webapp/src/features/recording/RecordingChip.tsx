import { moderates } from '@parley/protocol'
import { Button, Dialog, DialogTrigger, Popover } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { useOwnRole } from '../people/usePeople.ts'
import { ownRecording } from './ownRecording.ts'

/** For everybody to see for as long as it runs: that it does, who records, and what ends it. */
export function RecordingChip() {
  const { t } = useTranslation()
  const { recording, bytes } = useAppState((state) => state.recording)
  const { selfId, participants } = useAppState((state) => state.call)
  const role = useOwnRole()
  if (!recording?.on) return null
  const mine = recording.by === selfId
  const name = participants.find(({ id }) => id === recording.by)?.name ?? ''
  const who = mine ? t('recording.you') : t('recording.by', { name })
  return (
    <>
      <DialogTrigger>
        <Button className="recording-chip" aria-label={who}>
          <span className="recording-dot" aria-hidden="true" />
          {t('recording.short')}
        </Button>
        <Popover className="popover recording-popover" placement="bottom" offset={8}>
          <Dialog className="recording-words" aria-label={who}>
            <p>{who}</p>
            {mine && bytes !== null && (
              <p className="field-hint">
                {t('recording.size', { megabytes: Math.ceil(bytes / 1e6) })}
              </p>
            )}
            {(mine || moderates(role)) && (
              <Button className="button danger" onPress={() => void ownRecording.stop()}>
                {t('recording.stop')}
              </Button>
            )}
            {!mine && (
              <Button className="button" onPress={() => void ownRecording.answer(false)}>
                {t('recording.takeBackAndStop')}
              </Button>
            )}
          </Dialog>
        </Popover>
      </DialogTrigger>
      <span className="visually-hidden" role="alert">
        {who}
      </span>
    </>
  )
}
