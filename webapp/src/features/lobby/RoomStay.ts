import type { RoomLink } from '../../app/route.ts'
import { nameOf } from '../../protocolShapes.ts'
import type { Cell } from '../../state.ts'
import type { CallSession } from '../call/CallSession.ts'
import type { CallMemory } from '../call/callMemory.ts'
import { type CallState, initialCall } from '../call/callState.ts'
import { initialLocal, type LocalState } from '../media/localState.ts'

export type RoomStayOptions = {
  call: Cell<CallState>
  local: Cell<LocalState>
  memory: CallMemory
  media: { open(): Promise<void>; close(): void }
  /** The call's code, which comes while the person is still in the lobby. */
  loadCall(): Promise<Pick<CallSession, 'join' | 'leave'>>
  /** Milliseconds of the clock that the call has, too. */
  now(): number
  /** What the page's address asks for. */
  link(): RoomLink
  /** Whether a link may lead straight into this room, and not to its lobby. */
  mayLead(room: string): boolean
  /** Whether the page is a refresh of one of this room. */
  refreshed(room: string): boolean
  /** The name used last. */
  ownName(): string
  pushToTalk(): boolean
}

/** Of a call that failed: a refresh may find it well again. */
const passing: ReadonlySet<string> = new Set(['offline', 'unavailable', 'internal', 'rate-limited'])

/** One tab in one room after the other, from the door to the end. */
export class RoomStay {
  readonly #options: RoomStayOptions
  #session: Pick<CallSession, 'join' | 'leave'> | undefined
  /** Rises with every room entered or left: a join that was still loading then is of no interest. */
  #count = 0

  constructor(options: RoomStayOptions) {
    this.#options = options
  }

  /**
   * This tab turns to a room: back into the call that a refresh interrupted, straight in where the
   * link says so and may, else into the lobby.
   * @returns what ends the stay
   */
  enter(room: string): () => void {
    const { call, local, memory, media, mayLead, refreshed, pushToTalk } = this.#options
    const remembered = memory.recall()
    const link = this.#options.link()
    const name = nameOf(link.name ?? this.#options.ownName())
    call.set({ ...initialCall, room, relayForced: link.relayForced })
    this.#count++
    // Where it does not come, whoever joins asks for it again, and hears of it.
    this.#load().catch(() => {})
    if (remembered?.room === room && refreshed(room)) {
      const { audio, video } = local.get()
      local.set({
        audio: { ...audio, on: remembered.media.audio },
        video: { ...video, on: remembered.media.video },
      })
      void this.join(remembered.name)
    } else {
      // It was not left by hand, and not come back to either: a later refresh is one of the lobby.
      memory.forget()
      if (pushToTalk()) local.set({ audio: { ...local.get().audio, on: false } })
      if (link.autojoin && name !== undefined && mayLead(room)) void this.join(name)
    }
    void media.open()

    return () => {
      this.#count++
      this.#session?.leave()
      media.close()
      call.set(initialCall)
      local.set(initialLocal)
    }
  }

  /** Joins the room of the page; the microphone and camera may still be opening. */
  async join(typed: string): Promise<void> {
    const { call, now } = this.#options
    // A second click, before the first has changed what is seen.
    if (call.get().phase === 'joining') return
    const name = nameOf(typed)
    // Without a name there is nobody to join as: the lobby asks for one (REQ-P3).
    if (name === undefined) return call.set({ phase: 'idle' })
    const startedAt = now()
    const { room, relayForced } = call.get()
    const present = this.#count
    call.set({ phase: 'joining', name })
    const session = await this.#load().catch(() => undefined)
    if (present !== this.#count) return
    if (session) await session.join({ room, name, relayForced, startedAt })
    else call.set({ phase: 'failed', error: 'offline' })
  }

  leave(): void {
    this.#session?.leave()
    this.#options.media.close()
  }

  async joinAgain(): Promise<void> {
    const { media, call } = this.#options
    void media.open()
    await this.join(call.get().name)
  }

  /**
   * To be called whenever the state has changed: what a refresh needs is kept up to date while in a
   * call, and no longer (REQ-P26, P28, P29).
   */
  remember(): void {
    const { call, local, memory } = this.#options
    const { phase, error, room, name } = call.get()
    const { audio, video } = local.get()
    if (phase === 'joined')
      memory.remember({ room, name, media: { audio: audio.on, video: video.on } })
    else if (phase === 'left' || (phase === 'failed' && !passing.has(error ?? ''))) memory.forget()
  }

  async #load() {
    this.#session ??= await this.#options.loadCall()
    return this.#session
  }
}
