import { pathOf } from './Volumes.ts'

/** As much of an <audio> element as is used. */
export type SoundElement = {
  srcObject: unknown
  volume: number
  muted: boolean
  play(): Promise<void>
  setSinkId?(deviceId: string): Promise<void>
}

/** Sound made louder than it comes. */
export type Boost = { set(gain: number): void; close(): void }

export type RemoteSoundOptions = {
  element: SoundElement
  /** The track by itself, as something that the element plays. */
  stream: unknown
  /** Plays the same sound past the element. */
  boost(): Boost
  /** The browser wants a click first. */
  onBlocked(): void
}

/**
 * What is heard of one participant, at a volume of its own (REQ-P16).
 *
 * The element always plays, also when it is muted for a boost: Chromium feeds a remote track to
 * Web Audio only while some element plays it.
 */
export class RemoteSound {
  readonly #options: RemoteSoundOptions
  #boost: Boost | undefined

  constructor(options: RemoteSoundOptions) {
    this.#options = options
    const { element, stream, onBlocked } = options
    element.srcObject = stream
    element.play().catch((error: Error) => error.name === 'NotAllowedError' && onBlocked())
  }

  /** @param percent 0 to 200; 100 is as it comes */
  setVolume(percent: number): void {
    const { element, boost } = this.#options
    const path = pathOf(percent)
    element.volume = path.elementVolume
    element.muted = path.boost !== null
    if (path.boost === null) this.#closeBoost()
    else {
      this.#boost ??= boost()
      this.#boost.set(path.boost)
    }
  }

  /** @param deviceId '' for the browser's default. A device that is gone leaves things as they are. */
  async setSpeaker(deviceId: string): Promise<void> {
    await this.#options.element.setSinkId?.(deviceId).catch(() => {})
  }

  close(): void {
    this.#closeBoost()
    this.#options.element.srcObject = null
  }

  #closeBoost(): void {
    this.#boost?.close()
    this.#boost = undefined
  }
}
