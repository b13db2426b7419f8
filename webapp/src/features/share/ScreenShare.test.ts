import { describe, expect, it } from '@jest/globals'
import { ScreenShare } from './ScreenShare.ts'
import { initialShare, type ShareState, shareMedia, shareTracks } from './shareState.ts'

class FakeTrack {
  contentHint = ''
  stopped = false
  onended: (() => void) | null = null
  readonly kind: string

  constructor(kind: string) {
    this.kind = kind
  }

  stop(): void {
    this.stopped = true
  }
}

function share(...kinds: string[]) {
  let state: ShareState = initialShare
  const cell = {
    get: () => state,
    set: (patch: Partial<ShareState>) => {
      state = { ...state, ...patch }
    },
  }
  const tracks = kinds.map((kind) => new FakeTrack(kind))
  const of = (kind: string) => tracks.filter((track) => track.kind === kind)
  let answer: { give(): void; refuse(name: string): void } = { give() {}, refuse() {} }
  const displays = {
    getDisplayMedia: () =>
      new Promise<MediaStream>((resolve, reject) => {
        const stream = {
          getTracks: () => tracks,
          getVideoTracks: () => of('video'),
          getAudioTracks: () => of('audio'),
        }
        answer = {
          give: () => resolve(stream as unknown as MediaStream),
          refuse: (name) => reject(Object.assign(new Error('no'), { name })),
        }
      }),
  }
  return {
    screen: new ScreenShare(cell, displays),
    state: () => state,
    tracks,
    give: () => answer.give(),
    refuse: (name: string) => answer.refuse(name),
  }
}

async function shared(...kinds: string[]) {
  const rig = share(...kinds)
  const started = rig.screen.start()
  rig.give()
  await started
  return rig
}

describe('sharing a screen', () => {
  it('REQ-P18: sends screen and sound, and says so, until the button is pressed again', async () => {
    const { screen, state, tracks } = await shared('video', 'audio')
    expect(shareTracks(state())).toEqual({ screen: tracks[0], screenAudio: tracks[1] })
    expect(shareMedia(state())).toEqual({ screen: true })
    expect(tracks.map(({ contentHint }) => contentHint)).toEqual(['detail', 'music'])
    await screen.toggle()
    expect(state()).toEqual(initialShare)
    expect(shareMedia(state())).toEqual({})
    expect(tracks.every(({ stopped }) => stopped)).toBe(true)
  })

  it("ends with the browser's own bar", async () => {
    const { state, tracks } = await shared('video', 'audio')
    tracks[0]?.onended?.()
    expect(state()).toEqual(initialShare)
    expect(tracks[1]?.stopped).toBe(true)
  })

  it('goes on without sound when that ends', async () => {
    const { state, tracks } = await shared('video', 'audio')
    tracks[1]?.onended?.()
    expect(shareTracks(state())).toEqual({ screen: tracks[0], screenAudio: null })
  })

  it.each([
    ['NotAllowedError', 'denied'],
    ['NotReadableError', 'failed'],
  ])('says of a %s that it is %s', async (name, problem) => {
    const { screen, state, refuse } = share()
    const started = screen.start()
    expect(state().choosing).toBe(true)
    refuse(name)
    await started
    expect(state()).toEqual({ ...initialShare, problem })
  })

  it('opens one dialog at a time, and lets go of what comes after the call has ended', async () => {
    const { screen, state, tracks, give } = share('video')
    const started = screen.start()
    await screen.start()
    screen.stop()
    give()
    await started
    expect(state()).toEqual(initialShare)
    expect(tracks[0]?.stopped).toBe(true)
  })

  it('is not there where the browser cannot', async () => {
    const cell = { get: () => initialShare, set: () => expect('nothing').toBe('set') }
    const screen = new ScreenShare(cell, undefined)
    expect(screen.possible).toBe(false)
    await screen.toggle()
  })
})
