import { keepVideo } from '../../ui/videoElements.ts'

type Picture = { track: MediaStreamTrack; video: HTMLVideoElement; letGo(): void }

/** Plays what is recorded in elements that are on no page: also those whom the page has no place for just now. */
export class RecordedPictures {
  readonly #pictures = new Map<string, Picture>()

  /** From now on these, by their keys. */
  play(wanted: ReadonlyMap<string, MediaStreamTrack>): void {
    for (const [key, { track }] of this.#pictures) if (wanted.get(key) !== track) this.#end(key)
    for (const [key, track] of wanted) if (!this.#pictures.has(key)) this.#begin(key, track)
  }

  get(key: string): HTMLVideoElement | undefined {
    return this.#pictures.get(key)?.video
  }

  #begin(key: string, track: MediaStreamTrack): void {
    const video = document.createElement('video')
    video.muted = true
    video.srcObject = new MediaStream([track])
    video.play().catch(() => {})
    this.#pictures.set(key, { track, video, letGo: keepVideo(track) })
  }

  #end(key: string): void {
    const picture = this.#pictures.get(key)
    this.#pictures.delete(key)
    if (!picture) return
    picture.video.srcObject = null
    picture.letGo()
  }
}
