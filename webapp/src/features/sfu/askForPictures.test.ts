import { describe, expect, it } from '@jest/globals'
import { TestClock } from '../../testing/TestClock.ts'
import { keepVideo, showVideo } from '../../ui/videoElements.ts'
import { askForPictures, type ReceivedPictures } from './askForPictures.ts'

type Info = Parameters<ReceivedPictures['observeElementInfo']>[0]

/** A track from the SFU, which sends it for as long as somebody is known to look. */
function receive() {
  const clock = new TestClock()
  const infos = new Set<Info>()
  const elements = new Set<unknown>()
  const state = { lastPicture: 5 }
  const mediaStreamTrack = { readyState: 'live' } as MediaStreamTrack
  const track = {
    mediaStreamTrack,
    receiver: { getSynchronizationSources: () => [{ timestamp: state.lastPicture }] },
    observeElementInfo: (info: Info) => void infos.add(info),
    stopObservingElementInfo: (info: Info) => void infos.delete(info),
    attach: (element: HTMLVideoElement) => elements.add(element) && element,
    detach: (element: HTMLVideoElement) => elements.delete(element) && element,
  } as unknown as ReceivedPictures
  askForPictures(track, clock)
  const element = {} as HTMLVideoElement
  return { clock, infos, elements, state, mediaStreamTrack, element }
}

describe('pictures of the SFU', () => {
  it('REQ-K8: come until they are shown, also where that takes a while after the first one', async () => {
    const { clock, infos, elements, state, mediaStreamTrack, element } = receive()
    await clock.advance(5000)
    state.lastPicture = 6
    await clock.advance(2500)
    expect(infos.size).toBe(1)
    const hide = showVideo(mediaStreamTrack, element)
    expect([infos.size, elements.size]).toEqual([0, 1])
    hide()
    await clock.advance(10_000)
    expect([infos.size, elements.size]).toEqual([0, 0])
  })

  it('REQ-K8: end where nobody shows them, or they are over', async () => {
    const { clock, infos, state } = receive()
    await clock.advance(300)
    state.lastPicture = 6
    await clock.advance(3300)
    expect(infos.size).toBe(0)
    const over = receive()
    Object.assign(over.mediaStreamTrack, { readyState: 'ended' })
    await over.clock.advance(300)
    expect(over.infos.size).toBe(0)
  })

  it('come for as long as they are kept, on whatever page, shown or not', async () => {
    const { clock, infos, state, mediaStreamTrack, element } = receive()
    const letGo = [keepVideo(mediaStreamTrack), keepVideo(mediaStreamTrack)]
    state.lastPicture = 6
    await clock.advance(10_000)
    showVideo(mediaStreamTrack, element)()
    expect([...infos]).toMatchObject(Array(2).fill({ visible: true, pictureInPicture: true }))
    for (const end of letGo) end()
    expect(infos.size).toBe(0)
  })
})
