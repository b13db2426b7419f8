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
import type { DeviceKind } from './localState.ts'
import { ownMedia } from './ownMedia.ts'
import { useSpeaker } from './speaker.ts'

const names = {
  audio: 'lobby.microphone',
  video: 'lobby.camera',
  speaker: 'lobby.speaker',
} as const

export function DeviceSelect({ kind }: { kind: DeviceKind }) {
  const { t } = useTranslation()
  const all = useAppState((state) => state.local.devices)
  const name = t(names[kind])
  // Without permission devices have no id, and nothing can be chosen.
  const devices = all.filter((device) => device.kind === kind && device.deviceId !== '')
  const used = useUsedDevice(kind)
  const label = (id: string, given: string, number: number) =>
    id === 'default'
      ? t('lobby.systemDevice', { name: given || name })
      : given || t('lobby.unnamedDevice', { kind: name, number })
  return (
    <Select
      className="select"
      value={
        devices.some(({ deviceId }) => deviceId === used) ? used : (devices[0]?.deviceId ?? null)
      }
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
              {label(device.deviceId, device.label, index + 1)}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  )
}

/** The device in use; where none is open, the one that would be. */
function useUsedDevice(kind: DeviceKind): string | null {
  const speaker = useSpeaker()
  const track = useAppState((state) => (kind === 'speaker' ? null : state.local[kind].track))
  const chosen = useAppState(
    ({ preferences }) => ({ ...preferences, speaker })[kindPreference[kind]],
  )
  if (kind === 'speaker') return speaker || 'default'
  return track?.getSettings().deviceId ?? chosen
}

const kindPreference = { audio: 'microphone', video: 'camera', speaker: 'speaker' } as const
