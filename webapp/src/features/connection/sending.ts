import type { SendLimit } from './link.ts'

type Encoding = Pick<
  RTCRtpEncodingParameters,
  'maxBitrate' | 'scaleResolutionDownBy' | 'maxFramerate' | 'priority' | 'networkPriority'
>

/**
 * What an encoding is to be: voice before pictures, on this machine and, where the browser marks
 * packets (DSCP, RFC 8837: `high` is EF for audio, `medium` AF42/43 for video), on the way.
 */
export function encodingFor(kind: 'audio' | 'video', limit?: SendLimit): Encoding {
  if (kind === 'audio') return { priority: 'high', networkPriority: 'high' }
  return { ...limit, priority: 'medium', networkPriority: 'medium' }
}

/** @returns whether something had to be changed */
export function applyEncoding(encoding: Encoding, wanted: Encoding): boolean {
  const keys = Object.keys(wanted) as (keyof Encoding)[]
  if (keys.every((key) => encoding[key] === wanted[key])) return false
  Object.assign(encoding, wanted)
  return true
}

const told = new WeakMap<RTCRtpSender, MediaStreamTrack | null>()

/**
 * Has a sender send this track. What it was told last counts, and not what it still sends, which changes a moment later:
 * a camera that is taken away and given back at once would else stay away.
 */
export async function putTrack(
  sender: RTCRtpSender,
  track: MediaStreamTrack | null,
): Promise<void> {
  if ((told.has(sender) ? told.get(sender) : sender.track) === track) return
  told.set(sender, track)
  try {
    await sender.replaceTrack(track)
  } catch (error) {
    told.delete(sender)
    throw error
  }
}

/** As far as a sender sends a picture, the next is one that needs none before it. Not every browser can be asked. */
export async function askForWholePicture(sender: RTCRtpSender): Promise<void> {
  if (sender.track?.kind !== 'video') return
  await change(sender, (parameters) => {
    const { codecs = [], encodings } = parameters
    // One that was chosen for a moment only, and could not be taken back then.
    if (isChosen(parameters)) choose(parameters, codecs.find(isOfPictures))
    return { encodingOptions: encodings.map(() => ({ keyFrame: true })) }
  })
}

const limits = new WeakMap<RTCRtpSender, Encoding>()

/** Has a sender keep to these limits from now on. What it was told last counts, also for a change that is made once more. */
export async function limitSender(sender: RTCRtpSender, limit: Encoding): Promise<void> {
  limits.set(sender, limit)
  await change(sender, ({ encodings: [encoding] }) =>
    encoding && applyEncoding(encoding, limits.get(sender) ?? limit) ? undefined : 'as it is',
  )
}

/**
 * Has a sender of pictures that sends none forget what it has sent, and may be asked to send again. Chromium does where its
 * codec changes, to another one and back; who cannot choose one, or has only one, remembers. Back is to be chosen, too:
 * where no codec is chosen any more, Chromium goes on with the one that was chosen last.
 */
export async function forgetSent(sender: RTCRtpSender): Promise<void> {
  // Not every browser names them.
  const [used, ...others] = (sender.getParameters().codecs ?? []).filter(isOfPictures)
  const other = others.find(({ mimeType }) => mimeType !== used?.mimeType)
  // Who is told to send again meanwhile would send a picture of the other codec.
  if (!other || told.get(sender)) return
  for (const codec of [other, used, undefined])
    await change(sender, (parameters) => {
      choose(parameters, codec)
      return undefined
    })
}

/**
 * Chromium refuses what begins while a change before it ends, of ours or of LiveKit's client: then it is made once more. Of
 * what is refused then, as while a negotiation is under way, nothing is made.
 */
async function change(
  sender: RTCRtpSender,
  make: (parameters: RTCRtpSendParameters) => Options | undefined | 'as it is',
): Promise<void> {
  const once = async () => {
    const parameters = sender.getParameters()
    const made = make(parameters)
    if (made !== 'as it is') await sender.setParameters(parameters, made)
  }
  await once()
    .catch(once)
    .catch(() => {})
}

type Options = RTCSetParameterOptions & { encodingOptions?: { keyFrame: boolean }[] }
type Chosen = RTCRtpEncodingParameters & { codec?: RTCRtpCodec }

const isChosen = ({ encodings }: RTCRtpSendParameters) =>
  (encodings as Chosen[]).some(({ codec }) => codec)

function choose({ encodings }: RTCRtpSendParameters, codec: RTCRtpCodec | undefined): void {
  for (const encoding of encodings as Chosen[])
    if (codec) encoding.codec = codec
    else delete encoding.codec
}

/** And not for what is sent again, or makes good for losses. */
const isOfPictures = ({ mimeType }: Codec) => /^video\/(vp8|vp9|h264|av1)$/i.test(mimeType)

type Codec = { mimeType: string }

/**
 * All codecs in the order to be offered. H.264 comes first where hardware encodes it: it costs the least power
 * there, and in software more than VP8. What goes with the codecs (rtx, fec) keeps its place behind them.
 */
export function codecOrder<C extends Codec>(codecs: readonly C[], hardwareH264: boolean): C[] {
  if (!hardwareH264) return [...codecs]
  const isH264 = ({ mimeType }: Codec) => mimeType.toLowerCase() === 'video/h264'
  return [...codecs.filter(isH264), ...codecs.filter((codec) => !isH264(codec))]
}

/** What a camera sends: of such a picture a browser says whether hardware encodes it. */
const camera = { width: 1280, height: 720, bitrate: 1_500_000, framerate: 30 }

/**
 * Whether hardware encodes H.264 and does not encode VP8 as well, which then is the safer choice.
 * Browsers that cannot say it have none.
 */
export async function encodesH264InHardware(
  capabilities: Pick<MediaCapabilities, 'encodingInfo'> | undefined,
): Promise<boolean> {
  const efficient = async (contentType: string) => {
    try {
      const info = await capabilities?.encodingInfo({
        type: 'webrtc',
        video: { contentType, ...camera },
      })
      return Boolean(info?.supported && info.smooth && info.powerEfficient)
    } catch {
      return false
    }
  }
  const [h264, vp8] = await Promise.all([
    efficient('video/H264;profile-level-id=42e01f;packetization-mode=1'),
    efficient('video/VP8'),
  ])
  return h264 && !vp8
}
