import { askForWholePicture, forgetSent, putTrack } from '../connection/sending.ts'

/** A camera or a screen, and what sends it. */
type SentPicture = { sender: RTCRtpSender; track: MediaStreamTrack }

/** What is done to pictures that are sent to an SFU when the way there is cut, and when it is back: one thing after the other. */
export class HeldPictures {
  readonly #sent: () => SentPicture[]
  #last: Promise<unknown> = Promise.resolve()

  /** @param sent those that are sent now */
  constructor(sent: () => SentPicture[]) {
    this.#sent = sent
  }

  /** Sends none while the way carries nothing, and nothing of what went into the cut again; then begins with whole ones. */
  hold(held: boolean): void {
    this.#each(async ({ sender, track }) => {
      await putTrack(sender, held ? null : track)
      await (held ? forgetSent(sender) : askForWholePicture(sender))
    })
  }

  beginWithWholePictures(): void {
    this.#each(({ sender }) => askForWholePicture(sender))
  }

  #each(change: (picture: SentPicture) => Promise<void>): void {
    // Refused by senders of a connection that is gone, and of no interest any more.
    this.#last = this.#last.then(() => Promise.allSettled(this.#sent().map(change)))
  }
}
