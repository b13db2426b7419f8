import { describe, expect, it } from '@jest/globals'
import type { Signal } from '@parley/protocol'
import fc from 'fast-check'
import type { Cell } from '../../state.ts'
import { FakeConnection } from '../../testing/FakeConnection.ts'
import { FakeNetwork } from '../../testing/FakeNetwork.ts'
import { TestClock } from '../../testing/TestClock.ts'
import { PeerLink } from '../connection/PeerLink.ts'
import { linkPolicy } from '../connection/ReconnectPolicy.ts'
import { initialPreferences, type Preferences } from '../settings/preferences.ts'
import { type Devices, LocalMedia } from './LocalMedia.ts'
import { initialLocal, type LocalState } from './localState.ts'

type Fake = { kind: string; deviceId: string; enabled: boolean; stopped: boolean }

/** A connection with senders, which remembers every state that it was in. */
class SendingConnection extends FakeConnection {
  readonly senders = ['audio', 'video'].map((kind) => ({ kind, track: null as unknown }))
  readonly states: string[] = []

  override addTransceiver(track?: unknown): RTCRtpTransceiver {
    const { kind } = (track ?? {}) as { kind?: string }
    const sender = this.senders.find((one) => one.kind === kind)
    if (sender) sender.track = track
    return super.addTransceiver()
  }

  override getTransceivers(): RTCRtpTransceiver[] {
    return this.senders.map((sender) => ({
      direction: 'sendrecv',
      receiver: { track: { kind: sender.kind } },
      sender: {
        get track() {
          return sender.track
        },
        replaceTrack: async (track: unknown) => {
          sender.track = track
        },
        getParameters: () => ({ encodings: [] }),
        setParameters: async () => {},
      },
    })) as unknown as RTCRtpTransceiver[]
  }

  override become(state: RTCPeerConnectionState): void {
    super.become(state)
    this.states.push(state)
  }
}

const usual = ['mic-1', 'mic-2', 'cam-1', 'cam-2']

/** Devices that can be broken or unplugged. */
function devices() {
  const broken = new Set<string>()
  const given: (Fake & { onended?: () => void })[] = []
  const open = (kind: 'audio' | 'video', constraints: MediaTrackConstraints) => {
    const wanted = constraints.deviceId as { exact?: string; ideal?: string } | undefined
    const own = usual.filter((id) => id.startsWith(kind === 'audio' ? 'mic' : 'cam'))
    const working = own.filter((id) => !broken.has(id))
    const name = wanted?.exact ?? wanted?.ideal
    const deviceId = name && working.includes(name) ? name : wanted?.exact ? undefined : working[0]
    if (!deviceId) throw Object.assign(new Error('no such device'), { name: 'NotReadableError' })
    const track = {
      kind,
      deviceId,
      label: deviceId,
      enabled: true,
      stopped: false,
      stop() {},
      get readyState() {
        return track.stopped ? 'ended' : 'live'
      },
    }
    track.stop = () => {
      track.stopped = true
    }
    given.push(track)
    return track
  }
  const fake = {
    getUserMedia: async ({ audio, video }: MediaStreamConstraints = {}) => {
      const tracks = [
        ...(audio ? [open('audio', audio as MediaTrackConstraints)] : []),
        ...(video ? [open('video', video as MediaTrackConstraints)] : []),
      ]
      return { getTracks: () => tracks }
    },
    enumerateDevices: async () => [],
  } as unknown as Devices
  return { fake, given, broken }
}

async function call() {
  const clock = new TestClock()
  const network = new FakeNetwork()
  const { fake, given, broken } = devices()
  let state: LocalState = initialLocal
  let preferences: Preferences = initialPreferences
  const links: PeerLink[] = []
  const local: Cell<LocalState> = {
    get: () => state,
    set: (patch) => {
      state = { ...state, ...patch }
      for (const link of links) link.setTracks(tracks())
    },
  }
  const tracks = () => ({ audio: state.audio.track, video: state.video.track })
  const media = new LocalMedia(
    local,
    {
      get: () => preferences,
      set: (patch) => {
        preferences = { ...preferences, ...patch }
      },
    },
    fake,
  )
  const connections: SendingConnection[] = []
  let offers = 0
  await media.open()
  for (const peer of ['p-b', 'p-c', 'p-d']) {
    const ends: Record<string, PeerLink> = {}
    const end = (selfId: string, peerId: string, own: boolean) =>
      new PeerLink({
        selfId,
        peerId,
        clock,
        policy: linkPolicy(() => 0.5),
        configuration: {},
        tracks: own ? tracks() : { audio: null, video: null },
        createConnection: (configuration) => {
          if (!own) return network.add(new FakeConnection(configuration))
          const connection = new SendingConnection(configuration)
          connections.push(connection)
          return network.add(connection)
        },
        send: (signal: Signal) => {
          if ('description' in signal) offers++
          queueMicrotask(() => ends[peerId]?.receive(signal))
        },
        signalingUp: () => true,
        onState: () => {},
        onConnectionState: () => {},
        onTrack: () => {},
        onError: (error) => {
          throw error
        },
      })
    ends['p-a'] = end('p-a', peer, true)
    ends[peer] = end(peer, 'p-a', false)
    links.push(ends['p-a'])
  }
  await clock.advance(200)
  for (const connection of connections) connection.states.length = 0
  const agreed = offers
  return {
    clock,
    media,
    broken,
    given,
    links,
    connections,
    local,
    newOffers: () => offers - agreed,
    preferences: () => preferences,
  }
}

describe('switching devices', () => {
  it('Feature: webrtc-improvements, Property 15: REQ-P15: leaves every peer connection connected, and sends from the new device without a new offer', async () => {
    const change = fc.record({
      device: fc.constantFrom(...usual),
      breaks: fc.constantFrom('none', 'none', ...usual),
      unplugged: fc.boolean(),
      muted: fc.boolean(),
      wait: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 8 }), async (changes) => {
        const { clock, media, broken, given, links, connections, local, newOffers } = await call()
        expect(connections.map(({ connectionState }) => connectionState)).toEqual(
          Array(3).fill('connected'),
        )
        for (const { device, breaks, unplugged, muted, wait } of changes) {
          broken.clear()
          broken.add(breaks)
          if (unplugged && breaks !== 'none')
            for (const track of given)
              if (track.deviceId === breaks && !track.stopped) {
                track.stopped = true
                track.onended?.()
              }
          await media.set('audio', !muted)
          const chosen = media.choose(device.startsWith('mic') ? 'audio' : 'video', device)
          if (!wait) continue
          await chosen
          const kind = device.startsWith('mic') ? 'audio' : 'video'
          const used = (local.get()[kind].track as unknown as Fake).deviceId
          if (device !== breaks) expect(used).toBe(device)
          else expect(local.get().notice).toMatchObject({ kind })
        }
        await clock.advance(2000)
        expect(links.map(({ state }) => state)).toEqual(Array(3).fill('connected'))
        const { audio, video } = local.get()
        for (const connection of connections) {
          expect(connection.states).toEqual([])
          expect(connection.senders.map(({ track }) => track)).toEqual([audio.track, video.track])
        }
        expect(newOffers()).toBe(0)
        // One of each runs, and the microphone is muted or not as the person said last.
        const running = given.filter(({ stopped }) => !stopped)
        expect(running.map(({ kind }) => kind).sort()).toEqual(['audio', 'video'])
        expect(running.find(({ kind }) => kind === 'audio')?.enabled).toBe(audio.on)
      }),
      { numRuns: 100 },
    )
  }, 60_000)
})
