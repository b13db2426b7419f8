import { Gauge, Hourglass, ServerOff, Waypoints, X } from 'lucide-react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import type { ConnectionNote } from '../connection/ConnectionNotes.ts'
import { toggleMedia } from '../media/toggleMedia.ts'
import { ownCall } from './ownCall.ts'

const icons = {
  'sfu-away': ServerOff,
  'turn-unreachable': Waypoints,
  'low-bandwidth': Gauge,
  'service-away': Hourglass,
} as const

/** What is to be known of the connection (REQ-W1), until it passes or is hidden by hand. */
export function ConnectionNotices() {
  const notes = useAppState((state) => state.call.notes)
  return notes.map((note) => <Note key={note} note={note} />)
}

function Note({ note }: { note: ConnectionNote }) {
  const { t } = useTranslation()
  const sending = useAppState(({ local }) => local.video.on && local.video.track !== null)
  const Icon = icons[note]
  // Of a picture that is not sent there is nothing to say.
  if (note === 'low-bandwidth' && !sending) return null
  return (
    <div className="callout warn">
      <Icon aria-hidden="true" />
      <div>{t(`call.note.${note}`)}</div>
      {note === 'low-bandwidth' && (
        <Button className="button small" onPress={() => void toggleMedia('video')}>
          {t('call.note.audioOnly')}
        </Button>
      )}
      <IconButton
        label={t('call.note.hide')}
        className="quiet"
        onPress={() => ownCall.hideNote(note)}
      >
        <X />
      </IconButton>
    </div>
  )
}
