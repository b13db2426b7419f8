import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { playEarly, showVideoBy, showVideoIn, takeEarly } from './videoElements.ts'

/** As much of a page as holds elements. */
class Place {
  readonly classes = new Set<string>()
  readonly classList = { add: (name: string) => this.classes.add(name) }
  readonly ownerDocument = page
  append(element: { parentNode: unknown }): void {
    element.parentNode = this
  }
}

const page = { createElement: () => ({ parentNode: null }) } as unknown as Document

/** A track, and of each element that it was put into, where that was in the page by then. */
function received() {
  const track = {} as MediaStreamTrack
  const shown: unknown[] = []
  let hidden = 0
  showVideoBy(track, {
    show: (element) => {
      shown.push(element.parentNode)
      return () => hidden++
    },
    keep: () => () => {},
  })
  return { track, shown, hidden: () => hidden }
}

const as = (place: Place) => place as unknown as HTMLElement

describe('a video on the page', () => {
  beforeAll(() => void Object.assign(globalThis, { document: page }))
  afterAll(() => void Reflect.deleteProperty(globalThis, 'document'))

  it('is in its place before who receives the track is told of it: an SFU sends nothing to what is out of sight', () => {
    const { track, shown, hidden } = received()
    const place = new Place()
    const { element, hide } = showVideoIn(as(place), track, null)
    expect(shown).toEqual([place])
    hide()
    expect(hidden()).toBe(1)
    const next = received()
    expect(showVideoIn(as(place), next.track, element).element).toBe(element)
    expect(next.shown).toEqual([place])
  })

  it('that plays before the page is drawn is in the document as well, and is taken over as it is', () => {
    const { track, shown } = received()
    const [early, place] = [new Place(), new Place()]
    const picture = playEarly(track, (element) => early.append(element))
    expect(shown).toEqual([early])
    expect(showVideoIn(as(place), track, null)).toBe(picture)
    expect([picture.element.parentNode, [...place.classes]]).toEqual([place, ['played-before']])
    expect(shown).toHaveLength(1)
    expect(takeEarly(track, page)).toBeUndefined()
  })
})
