import { describe, expect, it } from '@jest/globals'
import { settle } from '../../testing/TestClock.ts'
import type { LinkConnection } from './link.ts'
import { TrackSender } from './TrackSender.ts'

type Sent = {
  kind: string
  track: unknown
  puts: unknown[]
  wholePictures: number
  codecs: string[]
}

/** A connection with a microphone and a camera, and a screen once one is shared. */
function sending(codecs: string[] = []) {
  const sent: Sent[] = []
  const transceivers: RTCRtpTransceiver[] = []
  const errors: unknown[] = []
  const add = (kind: string, track: unknown) => {
    const one: Sent = { kind, track, puts: [], wholePictures: 0, codecs: [] }
    sent.push(one)
    const sender = {
      get track() {
        return one.track
      },
      async replaceTrack(next: unknown) {
        // As in browsers: until it is done, the sender names the one before.
        await settle()
        one.track = next
        one.puts.push(next)
      },
      getParameters: () => ({
        codecs: codecs.map((name) => ({ mimeType: `video/${name}` })),
        encodings: [{}],
      }),
      async setParameters(
        { encodings: [encoding] }: { encodings: { codec?: { mimeType: string } }[] },
        options?: { encodingOptions: { keyFrame: boolean }[] },
      ) {
        if (options?.encodingOptions[0]?.keyFrame) one.wholePictures++
        else one.codecs.push(encoding?.codec?.mimeType ?? 'none')
      },
    }
    const made = { direction: 'sendrecv', receiver: { track: { kind } }, sender }
    transceivers.push(made as unknown as RTCRtpTransceiver)
    return made as unknown as RTCRtpTransceiver
  }
  const connection = {
    addTransceiver: (track: { kind: string }) => add(track.kind, track),
    getTransceivers: () => transceivers,
  }
  const sender = new TrackSender(connection as unknown as LinkConnection, {
    onError: (error) => errors.push(error),
  })
  return { sender, sent, errors }
}

async function settled() {
  for (let nth = 0; nth < 5; nth++) await settle()
}

const track = (kind: string, name: string) => ({ kind, name }) as unknown as MediaStreamTrack

describe('TrackSender', () => {
  it('REQ-P7, REQ-W2: sends no picture into a cut, and begins after it with whole ones of what is shown then', async () => {
    const { sender, sent, errors } = sending()
    const [microphone, camera, other] = [
      track('audio', 'm'),
      track('video', 'c'),
      track('video', 'd'),
    ]
    const screen = track('video', 's')
    sender.begin({ audio: microphone, video: camera, screen })
    sender.hold(true)
    sender.hold(true)
    await settled()
    const now = () => sent.map(({ track: of }) => of)
    expect(now()).toEqual([microphone, null, null])
    // Another camera meanwhile, and a session that is agreed on: neither sends anything.
    sender.send({ audio: microphone, video: other, screen })
    await settled()
    expect(now()).toEqual([microphone, null, null])
    expect(sent.map(({ wholePictures }) => wholePictures)).toEqual([0, 0, 0])
    sender.hold(false)
    await settled()
    expect(now()).toEqual([microphone, other, screen])
    expect(sent.map(({ wholePictures }) => wholePictures)).toEqual([0, 1, 1])
    expect(sent[0]?.puts).toEqual([])
    expect(errors).toEqual([])
  })

  it('REQ-P7: forgets the pictures that it sent into a cut, and sends those after it in the same codec, which it chooses no longer', async () => {
    const tell = async (...codecs: string[]) => {
      const { sender, sent } = sending(codecs)
      const screen = track('video', 's')
      sender.begin({ audio: track('audio', 'm'), video: track('video', 'c'), screen })
      sender.hold(true)
      await settled()
      sender.hold(false)
      await settled()
      return sent.map((one) => one.codecs)
    }
    const back = ['video/H264', 'video/VP8', 'none']
    expect(await tell('VP8', 'rtx', 'red', 'VP8', 'H264', 'AV1')).toEqual([[], back, back])
    expect(await tell('VP8', 'rtx', 'ulpfec')).toEqual([[], [], []])
  })

  it('REQ-W1: a silence that is over at once takes no picture away', async () => {
    const { sender, sent } = sending()
    const camera = track('video', 'c')
    sender.begin({ audio: track('audio', 'm'), video: camera })
    sender.hold(true)
    sender.hold(false)
    await settled()
    expect(sent[1]?.track).toBe(camera)
    expect(sent[1]?.puts).toEqual([null, camera])
  })
})
