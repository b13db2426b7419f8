import { describe, expect, it } from '@jest/globals'
import { ScreenSender } from './ScreenSender.ts'

type Made = { kind: string; init: RTCRtpTransceiverInit; sent: unknown[]; maxBitrate: number }

function sender() {
  const made: Made[] = []
  const transceivers: RTCRtpTransceiver[] = []
  const connection = {
    addTransceiver(track: { kind: string }, init: RTCRtpTransceiverInit = {}) {
      const one: Made = { kind: track.kind, init, sent: [track], maxBitrate: 0 }
      made.push(one)
      const encoding = { ...init.sendEncodings?.[0] }
      const rtp = {
        track: track as unknown,
        async replaceTrack(next: unknown) {
          rtp.track = next
          one.sent.push(next)
        },
        getParameters: () => ({ encodings: [encoding] }),
        async setParameters(parameters: { encodings: { maxBitrate?: number }[] }) {
          one.maxBitrate = parameters.encodings[0]?.maxBitrate ?? 0
        },
      }
      const transceiver = { sender: rtp } as unknown as RTCRtpTransceiver
      transceivers.push(transceiver)
      return transceiver
    },
  }
  const screen = new ScreenSender(connection as unknown as RTCPeerConnection)
  return { screen, made, transceivers }
}

const track = (kind: string) => ({ kind }) as unknown as MediaStreamTrack
const nothing = { audio: null, video: null }

describe('sending a screen', () => {
  it('asks for nothing of a connection before anything is shared', async () => {
    const { screen, made } = sender()
    await screen.send(nothing)
    await screen.send({ ...nothing, screen: null, screenAudio: null })
    screen.limit(300_000)
    expect(made).toEqual([])
  })

  it('makes transceivers of its own once, and shares again without a negotiation', async () => {
    const { screen, made, transceivers } = sender()
    const [first, sound, second] = [track('video'), track('audio'), track('video')]
    await screen.send({ ...nothing, screen: first, screenAudio: sound })
    await screen.send({ ...nothing, screen: first, screenAudio: sound })
    await screen.send(nothing)
    await screen.send({ ...nothing, screen: second })
    expect(made.map(({ kind }) => kind)).toEqual(['video', 'audio'])
    expect(made.map(({ init }) => init.direction)).toEqual(['sendonly', 'sendonly'])
    expect(made.map(({ sent }) => sent)).toEqual([
      [first, null, second],
      [sound, null],
    ])
    for (const one of transceivers) expect(screen.owns(one)).toBe(true)
    expect(screen.owns({} as RTCRtpTransceiver)).toBe(false)
  })

  it.each([
    ['a lone one', 1_500_000, 2_500_000],
    ['a few', 600_000, 1_200_000],
    ['many, and text can still be read', 300_000, 800_000],
  ])('takes of the uplink what is right for %s', async (_, camera, expected) => {
    const { screen, made } = sender()
    await screen.send({ ...nothing, screen: track('video') })
    expect(made[0]?.init.sendEncodings?.[0]?.maxBitrate).toBe(2_500_000)
    screen.limit(camera)
    expect(made[0]?.maxBitrate || 2_500_000).toBe(expected)
  })
})
