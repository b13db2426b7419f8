import { MonitorUp, Pin } from 'lucide-react'
import type { CSSProperties } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { cell } from '../../state.ts'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { Video } from '../../ui/Video.tsx'
import type { RemoteParticipant } from '../call/callState.ts'
import { showShare } from '../layout/layoutState.ts'
import { ownShare } from './ownShare.ts'

type Props = {
  id: string
  /** Who shares; undefined for oneself. */
  participant: RemoteParticipant | undefined
  place: CSSProperties
  /** In the middle. */
  main: boolean
}

/** A shared screen, whole: nothing of it is cut off. */
export function ScreenTile({ id, participant, place, main }: Props) {
  const { t } = useTranslation()
  const own = useAppState((state) => state.share.screen)
  const label = participant ? t('share.of', { name: participant.name }) : t('share.yours')
  const layout = cell('layout')
  return (
    <article className={main ? 'tile screen main' : 'tile screen'} aria-label={label} style={place}>
      {participant?.screen && <Video track={participant.screen} label={label} />}
      {!participant && own && (
        <>
          <Video track={own} label={label} />
          {main && (
            <div className="screen-own">
              <MonitorUp aria-hidden="true" />
              <p>{t('share.yourScreen')}</p>
              <Button className="button primary" onPress={() => ownShare.stop()}>
                {t('share.stop')}
              </Button>
            </div>
          )}
        </>
      )}
      {(participant || !main) && (
        <div className="tile-plate">
          <MonitorUp aria-hidden="true" className="plain" />
          <span className="tile-name">{label}</span>
        </div>
      )}
      {!main && (
        <div className="tile-corner">
          <IconButton
            label={t('share.show')}
            className="tile-action"
            onPress={() => layout.set(showShare(layout.get(), id))}
          >
            <Pin />
          </IconButton>
        </div>
      )}
    </article>
  )
}
