import type { Cell } from '../../state.ts'
import type { Preferences } from '../settings/preferences.ts'
import { constraintsOf, type Pick as DevicePick, pictureConstraints } from './constraints.ts'
import { listedDevices } from './devices.ts'
import type { DeviceKind, DeviceNotice, LocalState, MediaKind, MediaProblem } from './localState.ts'

/** As much of navigator.mediaDevices as is used. */
export type Devices = Pick<MediaDevices, 'getUserMedia' | 'enumerateDevices'>

const kinds = ['audio', 'video'] as const
const preferenceOf = { audio: 'microphone', video: 'camera' } as const

/** The microphone, camera and speaker of this page: opened, chosen, switched on and off. */
export class LocalMedia {
  readonly #local: Cell<LocalState>
  readonly #preferences: Cell<Preferences>
  readonly #devices: Devices | undefined
  /** Rises with every opening of a kind; the answer to an older request is thrown away. */
  readonly #request = { audio: 0, video: 0 }
  readonly #changes = { audio: Promise.resolve(), video: Promise.resolve() }
  #noticeId = 0
  /** From the lobby to the end of the call: else nothing that is plugged in turns a camera on. */
  #inUse = false

  /** @param devices undefined where the page is not in a secure context. */
  constructor(
    local: Cell<LocalState>,
    preferences: Cell<Preferences>,
    devices: Devices | undefined,
  ) {
    this.#local = local
    this.#preferences = preferences
    this.#devices = devices
  }

  /** Opens what is wanted and not open yet. Never rejects: problems are in the state. */
  async open(): Promise<void> {
    this.#inUse = true
    const wanted = kinds.filter((kind) => this.#isWanted(kind) && !this.#local.get()[kind].track)
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

  /**
   * Uses that device from now on, and in later meetings. The earlier one goes on until the new one
   * is there, and where that one does not start. Mutes and unmutes nothing.
   */
  async choose(kind: DeviceKind, deviceId: string): Promise<void> {
    if (kind === 'speaker') this.#preferences.set({ speaker: deviceId || null })
    else await this.#inTurn(kind, () => this.#use(kind, deviceId))
  }

  async #use(kind: MediaKind, deviceId: string): Promise<void> {
    const before = this.#preferences.get()[preferenceOf[kind]]
    this.#preferences.set({ [preferenceOf[kind]]: deviceId || null })
    const { on, problem, track } = this.#local.get()[kind]
    if (!track && !(on && problem)) return
    const error = await this.#change(kind)
    if (error) {
      this.#preferences.set({ [preferenceOf[kind]]: before })
      // It may have had to be let go of, to try the other one.
      if (this.#inUse && !this.#local.get()[kind].track) await this.#acquireAlone(kind)
      this.#tell('refused', kind)
    }
    await this.listDevices()
  }

  /** The microphone's processing changed: only a new opening has it in every browser. */
  async processingChanged(): Promise<void> {
    await this.#inTurn('audio', async () => {
      if (this.#local.get().audio.track) await this.#acquire(['audio'])
    })
  }

  /** The wanted size of the picture changed. */
  async qualityChanged(): Promise<void> {
    const { track } = this.#local.get().video
    // A camera that has no such mode goes on as it is.
    await track?.applyConstraints(pictureConstraints(this.#preferences.get())).catch(() => {})
  }

  /** Something was plugged in or out. */
  async devicesChanged(): Promise<void> {
    const before = this.#local.get().devices
    await this.listDevices()
    const { speaker } = this.#preferences.get()
    const has = (devices: LocalState['devices'], kind: DeviceKind, id: string | null) =>
      devices.some((device) => device.kind === kind && (id === null || device.deviceId === id))
    const { devices } = this.#local.get()
    if (speaker && has(before, 'speaker', speaker) && !has(devices, 'speaker', speaker))
      this.#tell('gone', 'speaker')
    const back = kinds.filter((kind) => {
      const { problem } = this.#local.get()[kind]
      return (problem === 'missing' || problem === 'ended') && has(devices, kind, null)
    })
    if (this.#inUse && back.length > 0) await this.open()
  }

  /** A denial was lifted: what it kept closed opens, where the person wants it. */
  async permissionGiven(): Promise<void> {
    const denied = kinds.some((kind) => this.#local.get()[kind].problem === 'denied')
    if (this.#inUse && denied) await this.open()
  }

  async listDevices(): Promise<void> {
    const found = (await this.#devices?.enumerateDevices().catch(() => [])) ?? []
    this.#local.set({ devices: listedDevices(found) })
  }

  hideNotice(): void {
    this.#local.set({ notice: null })
  }

  close(): void {
    this.#inUse = false
    for (const kind of kinds) {
      this.#request[kind]++
      this.#release(kind)
    }
  }

  /** One change of a kind's device after the other: each has to know what the last came to. */
  #inTurn(kind: MediaKind, change: () => Promise<void>): Promise<void> {
    this.#changes[kind] = this.#changes[kind].then(change)
    return this.#changes[kind]
  }

  /** A key that talks must not wait for a microphone that opens. */
  #isWanted(kind: MediaKind): boolean {
    const { on } = this.#local.get()[kind]
    return on || (kind === 'audio' && this.#preferences.get().pushToTalk)
  }

  async #change(kind: MediaKind): Promise<MediaProblem | null> {
    const error = await this.#acquire([kind], 'exact')
    if (!error || error === 'denied' || !this.#local.get()[kind].track) return error
    // Some systems have only one of a kind open at a time.
    this.#release(kind)
    return this.#acquire([kind], 'exact')
  }

  async #acquireAlone(kind: MediaKind): Promise<void> {
    const error = await this.#acquire([kind])
    if (error) this.#patch(kind, { problem: error })
  }

  async #acquire(
    wanted: readonly MediaKind[],
    pick: DevicePick = 'ideal',
  ): Promise<MediaProblem | null> {
    if (!this.#devices) return 'unsupported'
    const numbers = new Map(wanted.map((kind) => [kind, ++this.#request[kind]]))
    try {
      const stream = await this.#devices.getUserMedia(
        constraintsOf(wanted, this.#preferences.get(), pick),
      )
      for (const track of stream.getTracks()) {
        const kind = track.kind as MediaKind
        const needed = kind === 'audio' || this.#local.get()[kind].on
        if (numbers.get(kind) === this.#request[kind] && needed) this.#take(kind, track)
        else track.stop()
      }
      return null
    } catch (error) {
      return problemOf(error)
    }
  }

  #take(kind: MediaKind, track: MediaStreamTrack): void {
    const { track: earlier, on } = this.#local.get()[kind]
    if (earlier) earlier.onended = null
    earlier?.stop()
    if (kind === 'audio') track.enabled = on
    track.onended = () => this.#ended(kind, track)
    this.#patch(kind, { track, problem: null })
    // Unplugged before anybody listened.
    if (track.readyState === 'ended') this.#ended(kind, track)
  }

  /** Unplugged: the browser's default takes its place where there is one (REQ-W1). */
  #ended(kind: MediaKind, track: MediaStreamTrack): void {
    if (this.#local.get()[kind].track !== track) return
    this.#patch(kind, { track: null, problem: 'ended' })
    void this.#inTurn(kind, async () => {
      if (this.#local.get()[kind].problem !== 'ended') return
      const error = await this.#acquire([kind], 'any')
      if (!error && this.#local.get()[kind].track) this.#tell('gone', kind)
      else if (error === 'denied') this.#patch(kind, { problem: error })
      await this.listDevices()
    })
  }

  #release(kind: MediaKind): void {
    const { track } = this.#local.get()[kind]
    if (!track) return
    track.onended = null
    track.stop()
    this.#patch(kind, { track: null })
  }

  #tell(what: DeviceNotice['what'], kind: DeviceKind): void {
    const now = kind === 'speaker' ? '' : (this.#local.get()[kind].track?.label ?? '')
    this.#local.set({ notice: { id: ++this.#noticeId, what, kind, now } })
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
