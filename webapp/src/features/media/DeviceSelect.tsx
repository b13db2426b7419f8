import { ChevronDown } from 'lucide-react'
import {
  Button,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
} from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import type { MediaKind } from './localState.ts'
import { ownMedia } from './ownMedia.ts'

export function DeviceSelect({ kind }: { kind: MediaKind }) {
  const { t } = useTranslation()
  const all = useAppState((state) => state.local.devices)
  const { deviceId, track } = useAppState((state) => state.local[kind])
  const name = t(kind === 'audio' ? 'lobby.microphone' : 'lobby.camera')
  const devices = all.filter((device) => device.kind === kind)
  const selected = deviceId ?? track?.getSettings().deviceId ?? devices[0]?.deviceId ?? null
  return (
    <Select
      className="select"
      value={selected}
      isDisabled={devices.length === 0}
      placeholder={t('lobby.defaultDevice')}
      onChange={(chosen) => chosen !== null && void ownMedia.choose(kind, String(chosen))}
    >
      <Label>{name}</Label>
      <Button className="input select-button">
        <SelectValue />
        <ChevronDown aria-hidden="true" />
      </Button>
      <Popover className="popover">
        <ListBox className="listbox">
          {devices.map((device, index) => (
            <ListBoxItem key={device.deviceId} id={device.deviceId} className="listbox-item">
              {device.label || t('lobby.unnamedDevice', { kind: name, number: index + 1 })}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  )
}
