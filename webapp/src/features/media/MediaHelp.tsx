import { Headphones, TriangleAlert, X } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { ownMedia } from './ownMedia.ts'
import { browserKind } from './permissionHelp.ts'

/** What keeps the microphone or camera from working, and how to put it right (REQ-W1). */
export function MediaHelp() {
  return (
    <>
      <Problem />
      <DeviceChange />
    </>
  )
}

function Problem() {
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
        {problem === 'denied' && <p>{t(`media.allow.${browserKind(navigator.userAgent)}`)}</p>}
        <p>{t(`media.${problem}.fix`)}</p>
      </div>
      <Button className="button small" onPress={() => void ownMedia.open()}>
        {t('media.retry')}
      </Button>
    </div>
  )
}

/** Another device is used than the person chose (REQ-W1). */
function DeviceChange() {
  const { t } = useTranslation()
  const notice = useAppState((state) => state.local.notice)
  if (!notice) return null
  const { what, kind, now } = notice
  return (
    <div className="callout" role="status">
      <Headphones aria-hidden="true" />
      <div>
        {t(`media.change.${what}.${kind}`)} {now && t('media.change.now', { name: now })}
      </div>
      <IconButton
        label={t('media.change.hide')}
        className="quiet"
        onPress={() => ownMedia.hideNotice()}
      >
        <X />
      </IconButton>
    </div>
  )
}
