import { settle } from './TestClock.ts'

type Parameters = { encodings: { codec?: { mimeType: string }; maxBitrate?: number }[] }
type Options = { encodingOptions: { keyFrame: boolean }[] } | undefined

/** A sender of pictures in VP8, which may choose H.264, and tells in order what is done to it. */
export function fakeSender(track: MediaStreamTrack) {
  const done: unknown[] = []
  let now: MediaStreamTrack | null = track
  let refusals = 0
  let codec = 'video/VP8'
  const chosen: (string | undefined)[] = [undefined, undefined]
  let maxBitrate: number | undefined
  const sender = {
    get track() {
      return now
    },
    async replaceTrack(next: MediaStreamTrack | null) {
      // As in browsers: until it is done, the sender names the one before.
      await settle()
      now = next
      done.push(next && { sent: next, codec })
    },
    getParameters: () => ({
      codecs: ['VP8', 'rtx', 'H264'].map((name) => ({ mimeType: `video/${name}` })),
      encodings: chosen.map((mimeType) => ({
        maxBitrate,
        ...(mimeType && { codec: { mimeType } }),
      })),
    }),
    async setParameters({ encodings }: Parameters, options?: Options) {
      await settle()
      if (refusals-- > 0) throw new DOMException('', 'InvalidStateError')
      encodings.forEach((encoding, nth) => {
        chosen[nth] = encoding.codec?.mimeType
      })
      maxBitrate = encodings[0]?.maxBitrate
      // As in Chromium: where none is chosen, it is the one that was chosen last.
      codec = chosen[0] ?? codec
      if (options?.encodingOptions.every(({ keyFrame }) => keyFrame)) done.push('whole')
      else done.push(...new Set(chosen))
    },
  }
  return {
    sender: sender as unknown as RTCRtpSender,
    done,
    /** The codec of each size of its picture; undefined where none is chosen. */
    chosen,
    /** Of what it sends, bit/s. */
    limit: () => maxBitrate,
    /** The next changes of what it sends are refused. */
    refuse: (times: number) => {
      refusals = times
    },
  }
}
