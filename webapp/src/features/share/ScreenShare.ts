import type { Cell } from '../../state.ts'
import type { ShareState } from './shareState.ts'

/** As much of navigator.mediaDevices as is used. */
export type Displays = {
  getDisplayMedia(options?: DisplayMediaStreamOptions): Promise<MediaStream>
}

/** The share of this page: begun and ended by its button, ended by the browser's own bar as well. */
export class ScreenShare {
  readonly #share: Cell<ShareState>
  readonly #displays: Displays | undefined
  /** Rises with every beginning and end: an answer of the browser to an older one is thrown away. */
  #turn = 0

  /** @param displays undefined where the browser cannot share (phones) or the page is not secure */
  constructor(share: Cell<ShareState>, displays: Displays | undefined) {
    this.#share = share
    this.#displays = displays
  }

  get possible(): boolean {
    return this.#displays !== undefined
  }

  /** Begins or ends. Never rejects: problems are in the state. */
  async toggle(): Promise<void> {
    if (this.#share.get().screen) this.stop()
    else await this.start()
  }

  async start(): Promise<void> {
    if (!this.#displays || this.#share.get().choosing || this.#share.get().screen) return
    const turn = ++this.#turn
    this.#share.set({ choosing: true, problem: null })
    try {
      const stream = await this.#displays.getDisplayMedia(constraints)
      if (turn === this.#turn) this.#take(stream)
      else for (const track of stream.getTracks()) track.stop()
    } catch (error) {
      const denied = error instanceof Error && /^(NotAllowed|Abort)Error$/.test(error.name)
      if (turn === this.#turn)
        this.#share.set({ choosing: false, problem: denied ? 'denied' : 'failed' })
    }
  }

  stop(): void {
    this.#turn++
    const { screen, sound } = this.#share.get()
    for (const track of [screen, sound]) {
      if (!track) continue
      track.onended = null
      track.stop()
    }
    this.#share.set({ screen: null, sound: null, choosing: false, problem: null })
  }

  #take(stream: MediaStream): void {
    const [screen = null] = stream.getVideoTracks()
    const [sound = null] = stream.getAudioTracks()
    if (screen) {
      // Sharp text before smooth motion.
      screen.contentHint = 'detail'
      screen.onended = () => this.stop()
    }
    if (sound) {
      sound.contentHint = 'music'
      // The sound of a tab may end before the picture does.
      sound.onended = () => this.#share.set({ sound: null })
    }
    this.#share.set({ screen, sound, choosing: false, problem: screen ? null : 'failed' })
  }
}

/** What a tab plays is shared as it is, without what makes voices clear; never this page's own sound. */
const constraints = {
  video: { frameRate: { ideal: 15, max: 30 } },
  audio: {
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
    suppressLocalAudioPlayback: false,
  },
  // Newer than lib.dom.d.ts: who shares this very page makes a hall of mirrors.
  selfBrowserSurface: 'exclude',
  surfaceSwitching: 'include',
  systemAudio: 'include',
} as DisplayMediaStreamOptions
