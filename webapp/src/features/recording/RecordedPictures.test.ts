import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { showVideoBy } from '../../ui/videoElements.ts'
import { RecordedPictures } from './RecordedPictures.ts'

const replaced = { document: globalThis.document, MediaStream: globalThis.MediaStream }

beforeEach(() => {
  const createElement = () => ({ play: async () => {} })
  Object.assign(globalThis, { document: { createElement }, MediaStream: class {} })
})
afterEach(() => void Object.assign(globalThis, replaced))

describe('what is recorded', () => {
  it('is kept coming for as long as it is, shown on the page or not', () => {
    const kept: string[] = []
    const track = (name: string) => {
      const received = {} as MediaStreamTrack
      showVideoBy(received, {
        show: () => () => {},
        keep() {
          kept.push(name)
          return () => void kept.splice(kept.indexOf(name), 1)
        },
      })
      return received
    }
    const [a, b, c] = [track('a'), track('b'), track('c')]
    const own = {} as MediaStreamTrack
    const pictures = new RecordedPictures()
    for (let times = 0; times < 3; times++)
      pictures.play(
        new Map([
          ['p-a', a],
          ['p-b', b],
          ['own', own],
        ]),
      )
    expect(kept).toEqual(['a', 'b'])
    const before = pictures.get('p-a')
    pictures.play(
      new Map([
        ['p-a', c],
        ['own', own],
      ]),
    )
    expect(kept).toEqual(['c'])
    expect([before?.srcObject, pictures.get('p-b')]).toEqual([null, undefined])
    expect(pictures.get('p-a')).not.toBe(before)
    pictures.play(new Map())
    expect(kept).toEqual([])
  })
})
