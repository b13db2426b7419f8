type Show = (element: HTMLVideoElement) => () => void

const shows = new WeakMap<MediaStreamTrack, Show>()

/** From now on `show` puts this track into an element; it returns what takes it out again. */
export function showVideoBy(track: MediaStreamTrack, show: Show): void {
  shows.set(track, show)
}

/** Puts a track into an element, by the one who receives it where that one wants to know. */
export function showVideo(track: MediaStreamTrack, element: HTMLVideoElement): () => void {
  const show = shows.get(track)
  if (show) return show(element)
  element.srcObject = new MediaStream([track])
  return () => {
    element.srcObject = null
  }
}
