import { ChevronDown } from 'lucide-react'
import { useId } from 'react'
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

/** The browser's own list: a phone shows it as phones do, and it costs the first load nothing. */
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
  const id = useId()
  const selected = devices.some(({ deviceId }) => deviceId === used) ? used : devices[0]?.deviceId
  return (
    <div className="select">
      <label htmlFor={id}>{name}</label>
      <div className="select-box">
        <select
          id={id}
          className="input"
          value={selected ?? ''}
          disabled={devices.length === 0}
          onChange={({ target }) => void ownMedia.choose(kind, target.value)}
        >
          {devices.length === 0 && <option value="">{t('lobby.defaultDevice')}</option>}
          {devices.map((device, index) => (
            <option key={device.deviceId} value={device.deviceId}>
              {label(device.deviceId, device.label, index + 1)}
            </option>
          ))}
        </select>
        <ChevronDown aria-hidden="true" />
      </div>
    </div>
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
