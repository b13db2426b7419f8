import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { listedDevices } from './devices.ts'

const kind = fc.constantFrom(
  'audioinput',
  'videoinput',
  'audiooutput',
) as fc.Arbitrary<MediaDeviceKind>
const kinds = { audioinput: 'audio', videoinput: 'video', audiooutput: 'speaker' } as const

/** What is plugged in, and what a browser says of it: aliases, repeats, and nothing before permission. */
const reported = fc
  .record({
    permitted: fc.boolean(),
    devices: fc.uniqueArray(
      fc.record({
        kind,
        deviceId: fc.string({ minLength: 1, maxLength: 8 }).map((id) => `id-${id}`),
        groupId: fc.constantFrom('', 'group-1', 'group-2'),
        label: fc.constantFrom('Mic', 'USB - Headset', 'Built-in (0x1)', ''),
      }),
      { maxLength: 8, selector: ({ kind, deviceId }) => `${kind} ${deviceId}` },
    ),
    aliases: fc.subarray(['default', 'communications']),
    repeats: fc.boolean(),
  })
  .map(({ permitted, devices, aliases, repeats }) => {
    if (!permitted) {
      const blank = devices.map(({ kind }) => ({ kind, deviceId: '', groupId: '', label: '' }))
      return { devices: blank, real: [], reported: blank }
    }
    const doubled = devices.flatMap((device) =>
      aliases.map((deviceId) => ({ ...device, deviceId, label: `Default - ${device.label}` })),
    )
    const all = [...doubled, ...devices, ...(repeats ? devices : [])]
    return { devices, real: devices, reported: all }
  })

describe('listedDevices', () => {
  it('Feature: webrtc-improvements, Property 14: REQ-P14: every device of a kind that the browser reports is listed, once', () => {
    fc.assert(
      fc.property(reported, kind, ({ real, reported }, wanted) => {
        const listed = listedDevices(reported).filter((device) => device.kind === kinds[wanted])
        const ids = listed.map(({ deviceId }) => deviceId)
        expect(new Set(ids).size).toBe(ids.length)
        const realIds = real.filter((one) => one.kind === wanted).map(({ deviceId }) => deviceId)
        expect(ids.filter((id) => id.startsWith('id-'))).toEqual(realIds)
        const names = reported.filter((one) => one.kind === wanted).map(({ deviceId }) => deviceId)
        // Where there is one at all, something can be shown; and nothing is made up.
        expect(ids.length > 0).toBe(names.length > 0)
        for (const id of ids) expect(names).toContain(id)
        expect(ids.includes('default')).toBe(names.includes('default'))
      }),
      { numRuns: 300 },
    )
  })

  it('keeps what follows the system apart, and its twin out', () => {
    const headset = { kind: 'audioinput' as const, groupId: 'g', label: 'Headset (USB)' }
    expect(
      listedDevices([
        { ...headset, deviceId: 'default', label: 'Default - Headset (USB)' },
        { ...headset, deviceId: 'communications', label: 'Communications - Headset (USB)' },
        { ...headset, deviceId: 'a1' },
      ]),
    ).toEqual([
      { kind: 'audio', deviceId: 'default', label: 'Headset (USB)' },
      { kind: 'audio', deviceId: 'a1', label: 'Headset (USB)' },
    ])
    // The only word of a device is kept, whatever its name.
    expect(listedDevices([{ ...headset, deviceId: 'communications' }])).toHaveLength(1)
  })
})
