import type { Cell } from '../../state.ts'
import type { DeviceChoice, LocalState, MediaKind, MediaProblem } from './localState.ts'

/** As much of navigator.mediaDevices as is used. */
export type Devices = Pick<MediaDevices, 'getUserMedia' | 'enumerateDevices'>

const kinds = ['audio', 'video'] as const

/** The microphone and camera of this page: opened, chosen, switched on and off. */
export class LocalMedia {
  readonly #local: Cell<LocalState>
  readonly #devices: Devices | undefined
  /** Rises with every opening of a kind; the answer to an older request is thrown away. */
  readonly #request = { audio: 0, video: 0 }

  /** @param devices undefined where the page is not in a secure context. */
  constructor(local: Cell<LocalState>, devices: Devices | undefined) {
    this.#local = local
    this.#devices = devices
  }

  /** Opens what is wanted and not open yet. Never rejects: problems are in the state. */
  async open(): Promise<void> {
    const local = this.#local.get()
    const wanted = kinds.filter((kind) => local[kind].on && !local[kind].track)
    if (wanted.length === 0) return
    this.#local.set({ opening: true })
    // One prompt for both; where that fails, each by itself, so that one works without the other.
    const together = wanted.length === 2 && (await this.#acquire(wanted)) === null
    if (!together) await Promise.all(wanted.map((kind) => this.#acquireAlone(kind)))
    this.#local.set({ opening: false })
    await this.listDevices()
  }

  /** Mutes at once; unmuting opens the device where it is not open. */
  async set(kind: MediaKind, on: boolean): Promise<void> {
    const device = this.#local.get()[kind]
    if (kind === 'audio') {
      if (device.track) device.track.enabled = on
      this.#patch(kind, { on })
    } else {
      // A stopped camera is dark, also to the person's eye: its light goes off.
      if (!on) this.#release(kind)
      this.#patch(kind, { on })
    }
    if (on && !this.#local.get()[kind].track) await this.open()
  }

  async choose(kind: MediaKind, deviceId: string): Promise<void> {
    this.#patch(kind, { deviceId, on: true })
    const error = await this.#acquire([kind])
    if (error) this.#patch(kind, { problem: error })
    await this.listDevices()
  }

  async listDevices(): Promise<void> {
    const found = (await this.#devices?.enumerateDevices().catch(() => [])) ?? []
    const devices = found.flatMap(({ kind, deviceId, label }): DeviceChoice[] => {
      if (!deviceId || kind === 'audiooutput') return []
      return [{ kind: kind === 'audioinput' ? 'audio' : 'video', deviceId, label }]
    })
    this.#local.set({ devices })
  }

  close(): void {
    for (const kind of kinds) {
      this.#request[kind]++
      this.#release(kind)
    }
  }

  async #acquireAlone(kind: MediaKind): Promise<void> {
    const error = await this.#acquire([kind])
    if (error) this.#patch(kind, { problem: error })
  }

  async #acquire(wanted: readonly MediaKind[]): Promise<MediaProblem | null> {
    if (!this.#devices) return 'unsupported'
    const numbers = new Map(wanted.map((kind) => [kind, ++this.#request[kind]]))
    try {
      const stream = await this.#devices.getUserMedia(this.#constraints(wanted))
      for (const track of stream.getTracks()) {
        const kind = track.kind as MediaKind
        if (numbers.get(kind) === this.#request[kind] && this.#local.get()[kind].on)
          this.#take(kind, track)
        else track.stop()
      }
      return null
    } catch (error) {
      return problemOf(error)
    }
  }

  #take(kind: MediaKind, track: MediaStreamTrack): void {
    this.#local.get()[kind].track?.stop()
    track.onended = () => {
      if (this.#local.get()[kind].track === track)
        this.#patch(kind, { track: null, problem: 'ended' })
    }
    this.#patch(kind, { track, problem: null })
  }

  #release(kind: MediaKind): void {
    const { track } = this.#local.get()[kind]
    if (!track) return
    track.onended = null
    track.stop()
    this.#patch(kind, { track: null })
  }

  #constraints(wanted: readonly MediaKind[]): MediaStreamConstraints {
    const local = this.#local.get()
    const chosen = (kind: MediaKind) =>
      local[kind].deviceId ? { deviceId: { ideal: local[kind].deviceId } } : {}
    return {
      audio: wanted.includes('audio') && {
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        ...chosen('audio'),
      },
      video: wanted.includes('video') && {
        width: { ideal: 1280 },
        height: { ideal: 720 },
        frameRate: { ideal: 24, max: 30 },
        ...chosen('video'),
      },
    }
  }

  #patch(kind: MediaKind, patch: Partial<LocalState[MediaKind]>): void {
    this.#local.set({ [kind]: { ...this.#local.get()[kind], ...patch } } as Partial<LocalState>)
  }
}

function problemOf(error: unknown): MediaProblem {
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied'
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing'
    case 'TypeError':
      return 'unsupported'
    default:
      return 'busy' // NotReadableError, AbortError
  }
}
