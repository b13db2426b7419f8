import { TriangleAlert } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import { ownMedia } from './ownMedia.ts'

/** What keeps the microphone or camera from working, and how to put it right (REQ-W1). */
export function MediaHelp() {
  const { t } = useTranslation()
  const audio = useAppState((state) => state.local.audio.problem)
  const video = useAppState((state) => state.local.video.problem)
  const problem = audio ?? video
  if (!problem) return null
  const what = audio && video && audio === video ? 'both' : audio ? 'audio' : 'video'
  return (
    <div className="callout warn" role="alert">
      <TriangleAlert aria-hidden="true" />
      <div>
        <strong>{t(`media.${problem}.${what}`)}</strong>
        <p>{t(`media.${problem}.fix`)}</p>
      </div>
      <Button className="button small" onPress={() => void ownMedia.open()}>
        {t('media.retry')}
      </Button>
    </div>
  )
}
