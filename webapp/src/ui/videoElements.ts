/** Who receives a track, and wants to know what becomes of it. What they return takes it back. */
export type Shower = {
  show(element: HTMLVideoElement): () => void
  /** It is to come though no element on the page shows it. */
  keep(): () => void
}

const showers = new WeakMap<MediaStreamTrack, Shower>()

/** From now on `shower` puts this track into elements. */
export function showVideoBy(track: MediaStreamTrack, shower: Shower): void {
  showers.set(track, shower)
}

/** Has a track's pictures come for as long as they are used elsewhere than on the page; returns what ends it. */
export function keepVideo(track: MediaStreamTrack): () => void {
  return showers.get(track)?.keep() ?? (() => {})
}

/** Puts a track into an element of the page, by the one who receives it where that one wants to know: is it in sight? */
export function showVideo(track: MediaStreamTrack, element: HTMLVideoElement): () => void {
  const shower = showers.get(track)
  if (shower) return shower.show(element)
  element.srcObject = new MediaStream([track])
  return () => {
    element.srcObject = null
  }
}

/** Without its sound, which comes from elsewhere. */
function newVideo(page: Document): HTMLVideoElement {
  const video = page.createElement('video')
  video.className = 'video'
  video.muted = true
  video.autoplay = true
  video.playsInline = true
  return video
}

/** An element that shows a track; `hide` takes it out again. */
export type Picture = { element: HTMLVideoElement; hide(): void }

const early = new Map<MediaStreamTrack, Picture>()

/**
 * Plays a track before there is a page to draw it. The first who is to draw it takes the element over.
 * @param place puts the element into the document
 */
export function playEarly(
  track: MediaStreamTrack,
  place: (element: HTMLVideoElement) => void,
): Picture {
  const element = newVideo(document)
  place(element)
  const picture = { element, hide: showVideo(track, element) }
  early.set(track, picture)
  return picture
}

/**
 * Shows a track in a place of the page.
 * @param there the element that this place has; without one it is the one that played before, or a new one
 */
export function showVideoIn(
  place: HTMLElement,
  track: MediaStreamTrack,
  there: HTMLVideoElement | null,
): Picture {
  const page = place.ownerDocument
  const before = there ? undefined : takeEarly(track, page)
  if (before) place.classList.add('played-before')
  const element = there ?? before?.element ?? newVideo(page)
  if (element.parentNode !== place) place.append(element)
  return before ?? { element, hide: showVideo(track, element) }
}

/** Once; undefined where there is none, or in another window. */
export function takeEarly(track: MediaStreamTrack, page: Document): Picture | undefined {
  const picture = page === document ? early.get(track) : undefined
  if (picture) early.delete(track)
  return picture
}
