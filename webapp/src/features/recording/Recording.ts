import type { RecordingState, RoomRecording, RoomSnapshot } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import type { RoomFollower } from '../call/RoomFollower.ts'
import { type Ask, type RoomEvent, SignalingError } from '../connection/Signaling.ts'
import type { RecordingNotice, RecordingView } from './recordingState.ts'

/** A file that is being written, of what this page sees and hears. */
export type Recorder = {
  run(): void
  pause(): void
  /** Ends the file. @returns what has become of it */
  stop(): Promise<'saved' | 'failed' | 'full'>
}

export type RecordingOptions = {
  view: Cell<RecordingView>
  clock: Clock
  newId(): string
  /**
   * Asks the person where to write, and makes ready. Undefined where they would rather not.
   *
   * @param onEnd it cannot go on: the disk is full, say
   */
  openRecorder(onEnd: () => void): Promise<Recorder | undefined>
}

const noticeMs = 8000

/**
 * The recording of a room as this page takes part in it: asks, answers, and, where it is this page that records,
 * writes for exactly as long as everybody who is there has said yes. The server sees to that, too; what this
 * page itself knows of who is there holds besides, and where it does not know, it does not write.
 */
export class Recording implements RoomFollower {
  readonly #options: RecordingOptions
  #ask: Ask | undefined
  #self = ''
  #at = 0
  readonly #present = new Set<string>()
  #recorder: Recorder | undefined
  /** What it is for: the recording that this page has asked for. */
  #own = ''
  #cancelNotice = () => {}

  constructor(options: RecordingOptions) {
    this.#options = options
  }

  // -- the person ------------------------------------------------------------------------------

  async begin(): Promise<void> {
    const { openRecorder, newId } = this.#options
    if (this.#recorder || this.#options.view.get().recording) return
    const recorder = await openRecorder(() => void this.#broken()).catch(() => {
      this.#notice('failed')
      return undefined
    })
    if (!recorder) return
    this.#recorder = recorder
    this.#own = newId()
    const state = await this.#request((ask) => ask('recording:ask', { id: this.#own }))
    if (state) this.#take(state)
    else await this.#finish()
  }

  async answer(yes: boolean): Promise<void> {
    const id = this.#options.view.get().recording?.id
    if (id !== undefined) await this.#request((ask) => ask('recording:answer', { id, yes }))
  }

  async stop(): Promise<void> {
    const id = this.#options.view.get().recording?.id
    // Whatever the server says, this page stops at once.
    if (id === this.#own) void this.#finish()
    const ask = this.#ask
    if (id !== undefined && ask) await this.#request(() => ask('recording:stop', { id }))
  }

  // -- the room --------------------------------------------------------------------------------

  entered({ self, participants, recording }: RoomSnapshot, ask: Ask): void {
    this.#ask = ask
    this.#self = self
    this.#present.clear()
    for (const { id } of participants) this.#present.add(id)
    this.#at = recording?.at ?? this.#at
    this.#set(recording?.recording ?? null)
  }

  away(): void {
    this.#ask = undefined
    // A no could not be heard here, nor who comes.
    this.#follow()
  }

  left(): void {
    this.#ask = undefined
    this.#set(null)
    this.#options.view.set({ notice: null })
  }

  heard({ name, message }: RoomEvent): void {
    if (name === 'recording:state') this.#take(message)
    else if (name === 'participant:joined') {
      this.#present.add(message.id)
      this.#follow()
    } else if (name === 'participant:left') this.#gone(message.id)
  }

  #gone(id: string): void {
    this.#present.delete(id)
    const { recording } = this.#options.view.get()
    if (recording?.by === id) this.#set(null, 'stopped')
    else if (recording)
      this.#set({ ...recording, agreed: recording.agreed.filter((one) => one !== id) })
  }

  #take({ at, recording, ended }: RecordingState): void {
    // Two replicas may tell of two changes in the order in which they please.
    if (at < this.#at) return
    this.#at = at
    this.#set(recording, ended)
  }

  #set(recording: RoomRecording | null, ended?: 'refused' | 'stopped'): void {
    const { view } = this.#options
    const before = view.get().recording
    view.set({ recording })
    if (before && !recording && ended) this.#notice(ended)
    this.#follow()
  }

  /** Lets the recorder do what may be done now. */
  #follow(): void {
    const { recording } = this.#options.view.get()
    if (!this.#recorder) {
      // Taken up by the server after this page had given up: it would be shown, and write nothing.
      if (recording && recording.by === this.#self) void this.stop()
      return
    }
    if (this.#own === '') return
    if (recording?.id !== this.#own) {
      // What was asked for is on its way, and not known yet.
      if (this.#ran || !this.#ask) void this.#finish()
      return
    }
    this.#ran = true
    const everybody = [...this.#present].every((id) => recording.agreed.includes(id))
    const may = recording.on && recording.by === this.#self && everybody && this.#ask !== undefined
    if (may) this.#recorder.run()
    else this.#recorder.pause()
  }

  /** The server has taken this page's recording up. */
  #ran = false

  async #finish(): Promise<void> {
    const recorder = this.#recorder
    const ran = this.#ran
    this.#recorder = undefined
    this.#own = ''
    this.#ran = false
    if (!recorder) return
    const how = await recorder.stop()
    if (ran) this.#notice(how)
  }

  /** The file cannot be written any further. */
  async #broken(): Promise<void> {
    await this.stop()
  }

  async #request<T>(run: (ask: Ask) => Promise<T>): Promise<T | undefined> {
    try {
      if (!this.#ask) throw new SignalingError('offline', 'the server is not there')
      return await run(this.#ask)
    } catch (error) {
      const code = error instanceof SignalingError ? error.code : 'internal'
      // It is over already.
      if (code === 'not-found') return undefined
      this.#notice(code === 'taken' || code === 'forbidden' ? code : 'offline')
      return undefined
    }
  }

  #notice(notice: RecordingNotice): void {
    const { view, clock } = this.#options
    view.set({ notice })
    this.#cancelNotice()
    this.#cancelNotice = clock.after(noticeMs, () => view.set({ notice: null }))
  }
}
