import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { fakeSender } from '../../testing/fakeSender.ts'
import { settle } from '../../testing/TestClock.ts'
import {
  applyEncoding,
  askForWholePicture,
  codecOrder,
  encodesH264InHardware,
  encodingFor,
  forgetSent,
  limitSender,
  putTrack,
} from './sending.ts'

const limit = { maxBitrate: 600_000, scaleResolutionDownBy: 2, maxFramerate: 20 }

describe('what is sent', () => {
  it('REQ-S1: voice goes before pictures, in the browser and on the way', () => {
    expect(encodingFor('audio', limit)).toEqual({ priority: 'high', networkPriority: 'high' })
    expect(encodingFor('video', limit)).toEqual({
      ...limit,
      priority: 'medium',
      networkPriority: 'medium',
    })
  })

  it('changes an encoding only where it has to', () => {
    const encoding: RTCRtpEncodingParameters = { active: true }
    expect(applyEncoding(encoding, encodingFor('video', limit))).toBe(true)
    expect(encoding).toMatchObject({ active: true, ...limit, networkPriority: 'medium' })
    expect(applyEncoding(encoding, encodingFor('video', limit))).toBe(false)
    expect(applyEncoding(encoding, encodingFor('video', { ...limit, maxFramerate: 30 }))).toBe(true)
  })

  it('REQ-S1: H.264 comes first where hardware encodes it; none is lost, and the rest keeps its order', () => {
    const codec = fc.record({
      mimeType: fc.constantFrom('video/VP8', 'video/H264', 'video/rtx', 'video/AV1', 'video/VP9'),
      id: fc.integer(),
    })
    fc.assert(
      fc.property(fc.array(codec), fc.boolean(), (codecs, hardware) => {
        const ordered = codecOrder(codecs, hardware)
        const others = (list: typeof codecs) =>
          list.filter(({ mimeType }) => mimeType !== 'video/H264')
        expect(others(ordered)).toEqual(others(codecs))
        expect(ordered).toHaveLength(codecs.length)
        if (!hardware) expect(ordered).toEqual(codecs)
        else {
          const firstOther = ordered.findIndex(({ mimeType }) => mimeType !== 'video/H264')
          const rest = firstOther < 0 ? [] : ordered.slice(firstOther)
          expect(rest.some(({ mimeType }) => mimeType === 'video/H264')).toBe(false)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-S1: asks the browser whether hardware encodes H.264, and takes no answer for no', async () => {
    const saying = (efficient: string[]) => ({
      encodingInfo: async ({ video }: MediaEncodingConfiguration) => ({
        supported: true,
        smooth: true,
        powerEfficient: efficient.some((codec) => video?.contentType.includes(codec)),
      }),
    })
    expect(await encodesH264InHardware(saying(['H264']) as never)).toBe(true)
    expect(await encodesH264InHardware(saying(['H264', 'VP8']) as never)).toBe(false)
    expect(await encodesH264InHardware(saying([]) as never)).toBe(false)
    expect(await encodesH264InHardware(undefined)).toBe(false)
    const refusing = { encodingInfo: () => Promise.reject(new TypeError('what is webrtc?')) }
    expect(await encodesH264InHardware(refusing as never)).toBe(false)
  })

  it('REQ-P7: makes a change once more that another one got in the way of, and goes on in the same codec', async () => {
    const camera = { kind: 'video' } as MediaStreamTrack
    const { sender, done, chosen, refuse } = fakeSender(camera)
    refuse(1)
    await askForWholePicture(sender)
    await putTrack(sender, null)
    refuse(1)
    await forgetSent(sender)
    expect(done.splice(0)).toEqual(['whole', null, 'video/H264', 'video/VP8', undefined])
    const choosing = forgetSent(sender)
    while (chosen[0] !== 'video/H264') await settle()
    refuse(1)
    await choosing
    await putTrack(sender, camera)
    expect(done).toEqual([
      ...['video/H264', 'video/VP8', undefined],
      { sent: camera, codec: 'video/VP8' },
    ])
  })

  it('REQ-P7: a codec that was chosen to forget and could not be taken back is not gone on with', async () => {
    const camera = { kind: 'video' } as MediaStreamTrack
    const { sender, done, chosen, refuse } = fakeSender(camera)
    await putTrack(sender, null)
    const choosing = forgetSent(sender)
    while (chosen[0] !== 'video/H264') await settle()
    refuse(4)
    await choosing
    await putTrack(sender, camera)
    await askForWholePicture(sender)
    await putTrack(sender, null)
    await putTrack(sender, camera)
    expect(done.at(-1)).toEqual({ sent: camera, codec: 'video/VP8' })
  })

  it('REQ-P24: a limit that another change got in the way of is set once more', async () => {
    const { sender, limit: now, refuse } = fakeSender({ kind: 'video' } as MediaStreamTrack)
    const [wide, narrow] = [{ maxBitrate: 600_000 }, { maxBitrate: 200_000 }]
    refuse(1)
    await limitSender(sender, wide)
    expect(now()).toBe(600_000)
    refuse(1)
    const first = limitSender(sender, { maxBitrate: 900_000 })
    await Promise.all([first, limitSender(sender, narrow)])
    expect(now()).toBe(200_000)
  })

  it('REQ-P7: chooses no codec of a sender that was told to send again', async () => {
    const camera = { kind: 'video' } as MediaStreamTrack
    const { sender, done } = fakeSender(camera)
    await putTrack(sender, null)
    const back = putTrack(sender, camera)
    await forgetSent(sender)
    await back
    expect(done).toEqual([null, { sent: camera, codec: 'video/VP8' }])
  })
})
