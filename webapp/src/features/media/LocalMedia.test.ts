import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Cell } from '../../state.ts'
import { settle } from '../../testing/TestClock.ts'
import { initialPreferences, type Preferences } from '../settings/preferences.ts'
import { type Devices, LocalMedia } from './LocalMedia.ts'
import { initialLocal, type LocalState, mediaState } from './localState.ts'

type FakeTrack = MediaStreamTrack & { stopped: boolean }

/** Devices that give, or refuse with a DOMException of that name. */
function devices(refusals: { audio?: string; video?: string } = {}) {
  const given: FakeTrack[] = []
  const asked: MediaStreamConstraints[] = []
  const fake: Devices = {
    getUserMedia: async (constraints = {}) => {
      asked.push(constraints)
      const kinds = (['audio', 'video'] as const).filter((kind) => constraints[kind])
      for (const kind of kinds) {
        const name = refusals[kind]
        if (name) throw Object.assign(new Error(name), { name })
      }
      const tracks = kinds.map((kind) => {
        const track = { kind, enabled: true, stopped: false } as FakeTrack
        track.stop = () => {
          track.stopped = true
        }
        given.push(track)
        return track
      })
      return { getTracks: () => tracks } as unknown as MediaStream
    },
    enumerateDevices: async () =>
      [
        { kind: 'audioinput', deviceId: 'mic', label: 'Mic' },
        { kind: 'videoinput', deviceId: 'cam', label: 'Cam' },
        { kind: 'audiooutput', deviceId: 'out', label: 'Out' },
        { kind: 'videoinput', deviceId: '', label: '' },
      ] as MediaDeviceInfo[],
  }
  return { fake, given, asked, refusals }
}

function media(fake: Devices | undefined) {
  let state: LocalState = initialLocal
  const local: Cell<LocalState> = {
    get: () => state,
    set: (patch) => {
      state = { ...state, ...patch }
    },
  }
  let chosen: Preferences = initialPreferences
  const preferences: Cell<Preferences> = {
    get: () => chosen,
    set: (patch) => {
      chosen = { ...chosen, ...patch }
    },
  }
  return { own: new LocalMedia(local, preferences, fake), local, preferences }
}

describe('LocalMedia', () => {
  it('opens both with one request, and lists what can be chosen', async () => {
    const { fake, asked } = devices()
    const { own, local } = media(fake)
    await own.open()
    expect(asked).toHaveLength(1)
    expect(asked[0]?.audio).toMatchObject({
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    })
    expect(mediaState(local.get())).toEqual({ audio: true, video: true })
    expect(local.get().devices.map(({ kind, deviceId }) => [kind, deviceId])).toEqual([
      ['audio', 'mic'],
      ['video', 'cam'],
      ['speaker', 'out'],
    ])
  })

  it.each([
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
    ['NotAllowedError', 'denied'],
  ] as const)('REQ-W1: a camera that fails with %s leaves audio only', async (name, problem) => {
    const { fake } = devices({ video: name })
    const { own, local } = media(fake)
    await own.open()
    expect(mediaState(local.get())).toEqual({ audio: true, video: false })
    expect(local.get().video.problem).toBe(problem)
    expect(local.get().audio.problem).toBeNull()
  })

  it('REQ-W1: a denial is told, and trying again works once it is lifted', async () => {
    const { fake, refusals } = devices({ audio: 'NotAllowedError', video: 'NotAllowedError' })
    const { own, local } = media(fake)
    await own.open()
    expect([local.get().audio.problem, local.get().video.problem]).toEqual(['denied', 'denied'])
    delete refusals.audio
    delete refusals.video
    await own.open()
    expect(mediaState(local.get())).toEqual({ audio: true, video: true })
    expect([local.get().audio.problem, local.get().video.problem]).toEqual([null, null])
  })

  it('works as a viewer where the page may not ask for devices at all', async () => {
    const { own, local } = media(undefined)
    await own.open()
    expect(mediaState(local.get())).toEqual({ audio: false, video: false })
    expect(local.get().audio.problem).toBe('unsupported')
  })

  it('REQ-W1: an unplugged device gives way to the default one, with a notice', async () => {
    const { fake, given, asked } = devices()
    const { own, local, preferences } = media(fake)
    preferences.set({ camera: 'cam' })
    await own.open()
    given.find(({ kind }) => kind === 'video')?.onended?.(new Event('ended'))
    expect(local.get().video).toMatchObject({ track: null, problem: 'ended' })
    await settle()
    expect(local.get().video).toMatchObject({ track: expect.anything(), problem: null })
    expect(asked.at(-1)?.video).not.toHaveProperty('deviceId')
    expect(local.get().notice).toMatchObject({ what: 'gone', kind: 'video' })
    // It is the chosen one again as soon as it is back.
    expect(preferences.get().camera).toBe('cam')
  })

  it('REQ-W1: where there is no other one, it is a problem with a name, until one is plugged in', async () => {
    const { fake, given, refusals } = devices()
    const { own, local } = media(fake)
    await own.open()
    refusals.audio = 'NotFoundError'
    given.find(({ kind }) => kind === 'audio')?.onended?.(new Event('ended'))
    await settle()
    expect(local.get().audio).toMatchObject({ track: null, problem: 'ended' })
    expect(mediaState(local.get())).toEqual({ audio: false, video: true })
    delete refusals.audio
    await own.devicesChanged()
    expect(mediaState(local.get())).toEqual({ audio: true, video: true })
  })

  it.each(['NotFoundError', 'NotAllowedError'])(
    'what is plugged in or allowed after the call turns nothing on (%s)',
    async (name) => {
      const { fake, asked, refusals } = devices({ audio: name, video: name })
      const { own } = media(fake)
      await own.open()
      own.close()
      delete refusals.audio
      delete refusals.video
      const before = asked.length
      await own.devicesChanged()
      await own.permissionGiven()
      expect(asked).toHaveLength(before)
      await own.open()
      expect(asked.length).toBeGreaterThan(before)
    },
  )

  it('REQ-W1: a speaker that is gone is told of', async () => {
    const { fake } = devices()
    const { own, local } = media(fake)
    await own.open()
    await own.choose('speaker', 'out')
    fake.enumerateDevices = async () => []
    await own.devicesChanged()
    expect(local.get().notice).toMatchObject({ what: 'gone', kind: 'speaker' })
    own.hideNotice()
    expect(local.get().notice).toBeNull()
  })

  it('REQ-W1: a chosen device that does not start leaves the earlier one, with a notice', async () => {
    const { fake, given, refusals } = devices()
    const { own, local, preferences } = media(fake)
    await own.open()
    refusals.audio = 'NotReadableError'
    const done = own.choose('audio', 'mic-2')
    await settle()
    delete refusals.audio
    await done
    expect(preferences.get().microphone).toBeNull()
    expect(local.get().notice).toMatchObject({ what: 'refused', kind: 'audio' })
    expect(local.get().audio.problem).toBe('busy')
    await own.open()
    expect(given.filter(({ kind, stopped }) => kind === 'audio' && !stopped)).toHaveLength(1)
  })

  it('choosing a microphone unmutes nothing, and choosing a camera that is off turns none on', async () => {
    const { fake, given, asked } = devices()
    const { own, local } = media(fake)
    await own.open()
    await own.set('audio', false)
    await own.set('video', false)
    await own.choose('audio', 'mic-2')
    await own.choose('video', 'cam-2')
    expect(mediaState(local.get())).toEqual({ audio: false, video: false })
    expect(given.filter(({ stopped }) => !stopped).map(({ enabled }) => enabled)).toEqual([false])
    await own.set('video', true)
    expect(asked.at(-1)?.video).toMatchObject({ deviceId: { ideal: 'cam-2' } })
  })

  it('REQ-W1: a denial that is lifted in the browser opens what it kept closed', async () => {
    const { fake, refusals } = devices({ audio: 'NotAllowedError', video: 'NotAllowedError' })
    const { own, local } = media(fake)
    await own.open()
    delete refusals.audio
    delete refusals.video
    await own.permissionGiven()
    expect(mediaState(local.get())).toEqual({ audio: true, video: true })
  })

  it('REQ-P22: with push-to-talk the microphone is open from the start, and silent', async () => {
    const { fake, given } = devices()
    const { own, local, preferences } = media(fake)
    preferences.set({ pushToTalk: true })
    local.set({ audio: { ...local.get().audio, on: false } })
    await own.open()
    expect(mediaState(local.get()).audio).toBe(false)
    expect(given.find(({ kind }) => kind === 'audio')?.enabled).toBe(false)
  })

  it('any toggling ends in what was said last, and leaves no camera running that is off', async () => {
    const toggle = fc.record({
      kind: fc.constantFrom('audio' as const, 'video' as const),
      on: fc.boolean(),
      wait: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(toggle, { maxLength: 12 }), async (toggles) => {
        const { fake, given } = devices()
        const { own, local } = media(fake)
        await own.open()
        const said = { audio: true, video: true }
        for (const { kind, on, wait } of toggles) {
          said[kind] = on
          const done = own.set(kind, on)
          if (wait) await done
        }
        await settle()
        expect(mediaState(local.get())).toEqual(said)
        const cameras = given.filter(({ kind, stopped }) => kind === 'video' && !stopped)
        expect(cameras).toHaveLength(said.video ? 1 : 0)
        const microphones = given.filter(({ kind, stopped }) => kind === 'audio' && !stopped)
        expect(microphones.map(({ enabled }) => enabled)).toEqual([said.audio])
      }),
      { numRuns: 200 },
    )
  }, 60_000)
})
