/**
 * Unmuted exactly while a key is held (REQ-P22); the mute state of before is back after.
 *
 * Who is muted meanwhile by something else (a host, a device that fails) stays muted.
 */
export class PushToTalk {
  readonly #isOn: () => boolean
  readonly #set: (on: boolean) => void
  #held = false
  #wasOn = false

  /** @param isOn whether the microphone is on. @param set turns it on or off. */
  constructor(isOn: () => boolean, set: (on: boolean) => void) {
    this.#isOn = isOn
    this.#set = set
  }

  get held(): boolean {
    return this.#held
  }

  /** The key is down. It says so again and again while held, which changes nothing. */
  press(): void {
    if (this.#held) return
    this.#held = true
    this.#wasOn = this.#isOn()
    if (!this.#wasOn) this.#set(true)
  }

  /** The key is up, or the window does not hear of it any more: it lost the focus, or is hidden. */
  release(): void {
    if (!this.#held) return
    this.#held = false
    if (!this.#wasOn && this.#isOn()) this.#set(false)
  }
}
