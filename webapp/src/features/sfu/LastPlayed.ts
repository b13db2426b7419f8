/** Somebody of whom media may be due. Times are those of packets, in ms; undefined: none was played for a while. */
export type Played = {
  id: string
  /** Of the voice. */
  voice: number | undefined
  /** Of pictures, whom a page stops for to ask. */
  picture(): number | undefined
  /** Something is to come: it was sent, and nobody has said that it is not any more. */
  sent: boolean
}

/** When media of each participant was last played out, of those alone of whom some is due. */
export class LastPlayed {
  #before: ReadonlyMap<string, number> = new Map()

  /** @param hidden nobody looks at the page, and pictures are not sent to it after a while */
  read(participants: Iterable<Played>, hidden: boolean): ReadonlyMap<string, number> {
    const played = new Map<string, number>()
    // Pictures that were paused meanwhile are due once the first of them has come, and not as soon as somebody looks.
    if (!hidden)
      for (const { id, voice, picture, sent } of participants) {
        const before = this.#before.get(id)
        // Of who is heard, pictures are not asked for.
        const heard = voice !== undefined && voice > (before ?? 0)
        const at = heard ? voice : latest(voice, picture())
        // A browser forgets after 10 s what it has played: of who is cut for longer, something is due all the same.
        const last = at ?? (sent ? before : undefined)
        if (last !== undefined) played.set(id, last)
      }
    this.#before = played
    return played
  }
}

export function latest(...times: (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length > 0 ? Math.max(...known) : undefined
}
