import { Volume1, Volume2, VolumeX } from 'lucide-react'
import { Dialog, DialogTrigger, Heading, Popover } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { IconButton } from '../../ui/IconButton.tsx'
import { useAppState } from '../../ui/useAppState.ts'
import { VolumeSlider } from './VolumeSlider.tsx'
import { volumeOf } from './Volumes.ts'

/** On a tile: how loud that one is. */
export function VolumeButton({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation()
  const volume = useAppState((state) => volumeOf(state.preferences.volumes, id))
  const Icon = volume === 0 ? VolumeX : volume <= 100 ? Volume1 : Volume2
  return (
    <DialogTrigger>
      <IconButton
        label={t('voice.volumeOf', { name })}
        className={volume === 100 ? 'tile-action' : 'tile-action on'}
      >
        <Icon />
      </IconButton>
      <Popover className="popover volume-popover" placement="bottom end" offset={6}>
        <Dialog className="volume-dialog">
          <Heading slot="title">{t('voice.volumeOf', { name })}</Heading>
          <VolumeSlider id={id} name={name} />
        </Dialog>
      </Popover>
    </DialogTrigger>
  )
}
