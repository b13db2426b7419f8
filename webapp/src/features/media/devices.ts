import type { DeviceChoice, DeviceKind } from './localState.ts'

type Reported = Pick<MediaDeviceInfo, 'kind' | 'deviceId' | 'groupId' | 'label'>

const kinds: Record<MediaDeviceKind, DeviceKind> = {
  audioinput: 'audio',
  videoinput: 'video',
  audiooutput: 'speaker',
}

/**
 * Every device that the browser reports, once each, in its order (REQ-P14).
 *
 * Chromium reports some twice: under their own id, and as `default` or `communications`, which
 * follow the system's settings. `default` stays, as a choice of its own; `communications` only
 * where the device behind it is not reported otherwise. Before permission is given, devices have
 * no id: all of a kind are one choice then.
 */
export function listedDevices(reported: readonly Reported[]): DeviceChoice[] {
  const listed = reported.filter((device, index) => {
    const ofKind = reported.filter(({ kind }) => kind === device.kind)
    if (device.deviceId === '' && ofKind.some(({ deviceId }) => deviceId !== '')) return false
    if (isAlias(device, ofKind)) return false
    const first = reported.findIndex(
      ({ kind, deviceId }) => kind === device.kind && deviceId === device.deviceId,
    )
    return first === index
  })
  return listed.map(({ kind, deviceId, label }) => ({
    kind: kinds[kind],
    deviceId,
    label: deviceId === 'default' ? label.replace(/^[^-()]+ - /, '') : label,
  }))
}

function isAlias(device: Reported, ofKind: readonly Reported[]): boolean {
  return (
    device.deviceId === 'communications' &&
    ofKind.some(
      ({ deviceId, groupId, label }) =>
        !['', 'default', 'communications'].includes(deviceId) &&
        ((groupId !== '' && groupId === device.groupId) ||
          (label !== '' && device.label.endsWith(label))),
    )
  )
}
