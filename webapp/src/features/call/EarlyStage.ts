import type { AppState } from '../../state.ts'
import { type Picture, playEarly, takeEarly } from '../../ui/videoElements.ts'
import { peerEncryption } from '../encryption/encryptionState.ts'
import { placed, styleOf } from '../layout/placed.ts'
import { hueOf, initialsOf } from './avatar.ts'
import type { RemoteParticipant } from './callState.ts'

type Seen = Pick<AppState, 'call' | 'layout' | 'encryption'>

export type EarlyStageOptions = {
  /** Somebody's picture is to come; said again and again. */
  onPictureDue(way: 'mesh' | 'sfu'): void
  /** One is seen. */
  onPicture(): void
}

/** Whose picture comes, or is there: as on the stage that is drawn later. */
function showsVideo(participant: RemoteParticipant, mark: string | null): boolean {
  return participant.media.video && peerEncryption(mark, participant) !== 'locked'
}

/**
 * Who joins sees the others before there is a page: their tiles, where the stage will have them, need neither React nor
 * most of the page's code. The stage takes their pictures over as they play.
 */
export class EarlyStage {
  readonly #options: EarlyStageOptions
  readonly #page = part('call early')
  readonly #stage = document.createElement('main')
  readonly #tiles = new Map<string, Tile>()
  /** Of the stage. To ask for it has the browser lay all out, in the middle of what connects. */
  #size: { width: number; height: number } | undefined
  readonly #resized = () => {
    this.#size = undefined
  }
  #ended = false

  constructor(options: EarlyStageOptions) {
    this.#options = options
    this.#stage.className = 'stage'
    this.#page.append(part('call-top'), part('call-notices'), this.#stage, part('controls'))
  }

  /** Draws what has changed. */
  follow({ call, layout, encryption }: Seen): void {
    if (this.#ended) return
    const { phase, participants } = call
    if (phase !== 'joined' || participants.length === 0) return void this.#clear()
    if (!this.#page.isConnected) this.#begin()
    this.#size ??= { width: this.#stage.clientWidth, height: this.#stage.clientHeight }
    const size = this.#size
    const ids = participants.map(({ id }) => id)
    const { tiles } = placed({ size, layout, ids, selfId: call.selfId, page: 0 })
    const gone = new Set(this.#tiles.keys())
    for (const { item, rect } of tiles) {
      const participant = participants.find(({ id }) => id === item.id)
      if (item.kind !== 'person' || !participant) continue
      gone.delete(item.id)
      const tile = this.#tiles.get(item.id) ?? this.#add(participant)
      for (const [name, value] of Object.entries(styleOf(rect))) tile.place(name, value)
      const seen = showsVideo(participant, encryption.mark)
      if (seen) this.#options.onPictureDue(participant.sfu ? 'sfu' : 'mesh')
      tile.show(seen ? participant.video : null)
    }
    for (const id of gone) this.#remove(id)
  }

  /** There is a page that draws all this, or nothing to be drawn any more. */
  end(): void {
    this.#ended = true
    this.#clear()
  }

  #begin(): void {
    document.body.append(this.#page)
    addEventListener('resize', this.#resized)
  }

  #clear(): void {
    for (const id of [...this.#tiles.keys()]) this.#remove(id)
    this.#page.remove()
    removeEventListener('resize', this.#resized)
    this.#resized()
  }

  #add({ id, name }: RemoteParticipant): Tile {
    const tile = new Tile(name, this.#options.onPicture)
    this.#tiles.set(id, tile)
    this.#stage.append(tile.element)
    return tile
  }

  #remove(id: string): void {
    this.#tiles.get(id)?.remove()
    this.#tiles.delete(id)
  }
}

function part(className: string): HTMLElement {
  const element = document.createElement('div')
  element.className = className
  return element
}

/** One of the others, as `Tile.tsx` draws them. */
class Tile {
  readonly element = document.createElement('article')
  readonly #name: string
  readonly #onPicture: () => void
  #shown: { track: MediaStreamTrack; picture: Picture } | undefined

  constructor(name: string, onPicture: () => void) {
    this.#name = name
    this.#onPicture = onPicture
    this.element.className = 'tile'
    this.element.ariaLabel = name
    this.place('--hue', String(hueOf(name)))
    const avatar = document.createElement('span')
    avatar.className = 'avatar'
    avatar.ariaHidden = 'true'
    avatar.textContent = initialsOf(name)
    const plate = part('tile-plate')
    const label = document.createElement('span')
    label.className = 'tile-name'
    label.textContent = name
    plate.append(label)
    this.element.append(avatar, plate)
  }

  place(name: string, value: string): void {
    this.element.style.setProperty(name, value)
  }

  show(track: MediaStreamTrack | null): void {
    if (this.#shown?.track === track) return
    this.#hide()
    if (!track) return
    const picture = playEarly(track, (element) => this.element.lastElementChild?.before(element))
    this.#shown = { track, picture }
    const { element } = picture
    element.ariaLabel = this.#name
    // Not all browsers of 2023 tell of frames; these do of the first one that they have.
    if ('requestVideoFrameCallback' in element) element.requestVideoFrameCallback(this.#onPicture)
    else (element as HTMLVideoElement).addEventListener('loadeddata', this.#onPicture)
    // Refused only while the element goes away again.
    element.play().catch(() => {})
  }

  remove(): void {
    this.#hide()
    this.element.remove()
  }

  /** Unless it was taken over, and plays on. */
  #hide(): void {
    const { track, picture } = this.#shown ?? {}
    this.#shown = undefined
    if (!track || takeEarly(track, document) !== picture) return
    picture?.hide()
    picture?.element.remove()
  }
}
