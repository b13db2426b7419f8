import { tileGrid } from '../layout/tileGrid.ts'
import { RecordedPictures } from './RecordedPictures.ts'
import type { Recorder } from './Recording.ts'
import type { Sink } from './sinks.ts'
import Ticker from './ticker.ts?worker'

/** What is to be in the file now. */
export type Scene = {
  videos: readonly { key: string; name: string; track: MediaStreamTrack | null }[]
  sounds: readonly MediaStreamTrack[]
}

export type CallRecorderOptions = {
  scene(): Scene
  sink: Sink
  onBytes(bytes: number): void
  /** It cannot go on. */
  onEnd(): void
}

const size = { width: 1280, height: 720 }
const gap = 8
const fps = 15
const chunkMs = 1000
/** Written slower than it is made: better an end than a page without memory. */
const pendingMaxBytes = 64 * 2 ** 20

const types = [
  'video/mp4;codecs=avc1.42E01F,mp4a.40.2',
  'video/webm;codecs=vp8,opus',
  'video/webm',
  'video/mp4',
]
export const recordingType = (): string | undefined =>
  globalThis.MediaRecorder && types.find((type) => MediaRecorder.isTypeSupported(type))

/** Draws everybody into one picture, mixes what is heard, and writes both. */
export class CallRecorder implements Recorder {
  readonly #options: CallRecorderOptions
  readonly #canvas = document.createElement('canvas')
  readonly #audio = new AudioContext()
  readonly #mix = this.#audio.createMediaStreamDestination()
  readonly #sources = new Map<string, MediaStreamAudioSourceNode>()
  readonly #pictures = new RecordedPictures()
  /** Goes on in a page that is behind another one, where timers sleep. */
  readonly #ticker = new Ticker()
  readonly #recorder: MediaRecorder
  #writing: Promise<void> = Promise.resolve()
  #pending = 0
  #bytes = 0
  #outcome: 'saved' | 'failed' | 'full' = 'saved'

  constructor(type: string, options: CallRecorderOptions) {
    this.#options = options
    Object.assign(this.#canvas, size)
    const stream = this.#canvas.captureStream(fps)
    for (const track of this.#mix.stream.getTracks()) stream.addTrack(track)
    try {
      this.#recorder = new MediaRecorder(stream, {
        mimeType: type,
        videoBitsPerSecond: 2_500_000,
        audioBitsPerSecond: 128_000,
      })
    } catch (error) {
      this.#ticker.terminate()
      void this.#audio.close().catch(() => {})
      throw error
    }
    this.#recorder.ondataavailable = ({ data }) => this.#write(data)
    this.#recorder.onerror = () => this.#fail('failed')
    this.#ticker.onmessage = () => this.#draw()
  }

  run(): void {
    if (this.#recorder.state === 'recording') return
    this.#draw()
    this.#ticker.postMessage(1000 / fps)
    void this.#audio.resume()
    try {
      if (this.#recorder.state === 'paused') this.#recorder.resume()
      else this.#recorder.start(chunkMs)
    } catch {
      this.#fail('failed')
    }
  }

  pause(): void {
    if (this.#recorder.state === 'recording') this.#recorder.pause()
    this.#ticker.postMessage(0)
  }

  async stop(): Promise<'saved' | 'failed' | 'full'> {
    this.#ticker.terminate()
    if (this.#recorder.state !== 'inactive') {
      const stopped = new Promise((resolve) => {
        this.#recorder.addEventListener('stop', resolve, { once: true })
      })
      this.#recorder.stop()
      await stopped
    }
    await this.#writing
    this.#pictures.play(new Map())
    await this.#audio.close().catch(() => {})
    const { sink } = this.#options
    await (this.#bytes > 0 ? sink.close() : sink.discard()).catch(() => {
      this.#outcome = 'failed'
    })
    return this.#outcome
  }

  #write(data: Blob): void {
    if (data.size === 0) return
    this.#pending += data.size
    if (this.#pending > pendingMaxBytes) this.#fail('full')
    else this.#append(data)
  }

  #append(data: Blob): void {
    this.#writing = this.#writing
      .then(() => this.#options.sink.write(data))
      .then(() => {
        this.#pending -= data.size
        this.#bytes += data.size
        this.#options.onBytes(this.#bytes)
      })
      .catch(() => this.#fail('full'))
  }

  #fail(how: 'failed' | 'full'): void {
    if (this.#outcome !== 'saved') return
    this.#outcome = how
    this.#options.onEnd()
  }

  #draw(): void {
    const { videos, sounds } = this.#options.scene()
    this.#hear(sounds)
    this.#see(videos)
    const canvas = this.#canvas.getContext('2d', { alpha: false })
    if (!canvas) return
    canvas.fillStyle = '#14171c'
    canvas.fillRect(0, 0, size.width, size.height)
    const { columns, tileWidth, tileHeight } = tileGrid(
      Math.max(1, videos.length),
      size.width - 2 * gap,
      size.height - 2 * gap,
      gap,
    )
    const rows = Math.ceil(videos.length / columns)
    const top = (size.height - rows * tileHeight - (rows - 1) * gap) / 2
    videos.forEach(({ key, name }, index) => {
      const row = Math.floor(index / columns)
      const inRow = row === rows - 1 ? videos.length - row * columns : columns
      const left = (size.width - inRow * tileWidth - (inRow - 1) * gap) / 2
      const x = left + (index % columns) * (tileWidth + gap)
      const y = top + row * (tileHeight + gap)
      drawTile(canvas, this.#pictures.get(key), name, {
        x,
        y,
        width: tileWidth,
        height: tileHeight,
      })
    })
  }

  #see(videos: Scene['videos']): void {
    this.#pictures.play(new Map(videos.flatMap(({ key, track }) => (track ? [[key, track]] : []))))
  }

  #hear(sounds: readonly MediaStreamTrack[]): void {
    const wanted = new Map(sounds.map((track) => [track.id, track]))
    for (const [id, source] of this.#sources) {
      if (wanted.has(id)) continue
      source.disconnect()
      this.#sources.delete(id)
    }
    for (const [id, track] of wanted) {
      if (this.#sources.has(id)) continue
      const source = this.#audio.createMediaStreamSource(new MediaStream([track]))
      source.connect(this.#mix)
      this.#sources.set(id, source)
    }
  }
}

type Rect = { x: number; y: number; width: number; height: number }

/** The whole picture, with bars where its shape is another one, and the name below. */
function drawTile(
  canvas: CanvasRenderingContext2D,
  video: HTMLVideoElement | undefined,
  name: string,
  { x, y, width, height }: Rect,
): void {
  canvas.fillStyle = '#262b33'
  canvas.fillRect(x, y, width, height)
  if (video && video.videoWidth > 0) {
    const scale = Math.min(width / video.videoWidth, height / video.videoHeight)
    const [w, h] = [video.videoWidth * scale, video.videoHeight * scale]
    canvas.drawImage(video, x + (width - w) / 2, y + (height - h) / 2, w, h)
  }
  canvas.font = '500 18px Inter Variable, sans-serif'
  const wide = Math.min(canvas.measureText(name).width, width - 32)
  canvas.fillStyle = 'rgb(10 14 18 / 70%)'
  canvas.fillRect(x + 8, y + height - 36, wide + 16, 28)
  canvas.fillStyle = '#ffffff'
  canvas.fillText(name, x + 16, y + height - 16, wide)
}
