import { describe, expect, it } from '@jest/globals'
import { settle, TestClock } from '../../testing/TestClock.ts'
import type { LinkRequest } from '../call/Link.ts'
import { readLinkStats, rowsOf } from '../connection/linkStats.ts'
import type { LinkState, LocalTracks } from '../connection/PeerLink.ts'
import { linkPolicy } from '../connection/ReconnectPolicy.ts'
import type { OpenSfuRoom, SfuRoom, SfuRoomEvents } from './SfuRoom.ts'
import { SfuSession } from './SfuSession.ts'

/** A room whose events a test makes. */
class FakeRoom implements SfuRoom {
  connectionState: RTCPeerConnectionState = 'connected'
  iceConnectionState: RTCIceConnectionState = 'connected'
  readonly token: string
  readonly events: SfuRoomEvents
  readonly recovered: string[] = []
  published: LocalTracks | undefined
  played: number | undefined
  closed = false
  rows = new Map<string, Record<string, unknown>>()

  constructor(token: string, events: SfuRoomEvents) {
    this.token = token
    this.events = events
  }

  setTracks = (tracks: LocalTracks) => {
    this.published = tracks
  }
  quality = 0
  setQuality = (level: number) => {
    this.quality = level
  }
  readonly holds: boolean[] = []
  hold = (held: boolean) => void this.holds.push(held)
  readonly small: string[] = []
  askForSmall = (id: string, small: boolean) =>
    void this.small.push(`${id} ${small ? 'small' : 'as is shown'}`)
  wholePictures = 0
  beginWithWholePictures = () => void this.wholePictures++
  recover = (how: string) => void this.recovered.push(how)
  stats = async () => this.rows as unknown as RTCStatsReport
  lastPlayed = () => new Map(this.played === undefined ? [] : [['p-a', this.played] as const])
  camera = true
  cameraIsDue = () => this.camera
  hasPlayedAudio = () => false
  close = () => {
    this.closed = true
  }
}

const track = (id: string) => ({ id }) as MediaStreamTrack
const tracks: LocalTracks = { audio: track('own'), video: null }

/** @param answers whether signaling does */
async function begin({ answers = true } = {}) {
  const clock = new TestClock()
  const rooms: FakeRoom[] = []
  const errors: unknown[] = []
  let refused = false
  let silent = false
  let answer = () => {}
  const abandoned: string[] = []
  let tokens = 0
  let unreachable = 0
  const openRoom: OpenSfuRoom = async (token, _configuration, events, given) => {
    if (refused) throw new Error('refused')
    if (silent) {
      answer = () => events.onTry(true)
      return new Promise(() => given.addEventListener('abort', () => abandoned.push(token)))
    }
    const room = new FakeRoom(token, events)
    rooms.push(room)
    return room
  }
  const session = new SfuSession({
    clock,
    policy: linkPolicy(() => 0.5),
    openRoom,
    configuration: {},
    tracks,
    token: 'first',
    refreshToken: async () => {
      if (!answers) throw new Error('nobody answers')
      return `fresh-${++tokens}`
    },
    onUnreachable: () => {
      unreachable++
    },
    onError: (error) => errors.push(error),
  })
  await settle()
  const link = (peerId: string) => {
    const states: LinkState[] = []
    const got: (string | null)[] = []
    const request = {
      peerId,
      onState: (state) => states.push(state),
      onConnectionState() {},
      onTrack: (kind, one) => got.push(one && `${kind} ${one.id}`),
    } as Partial<LinkRequest> as LinkRequest
    return { link: session.link(request), states, got }
  }
  const room = () => {
    const last = rooms.at(-1)
    if (!last) throw new Error('no room was opened')
    return last
  }
  return {
    clock,
    session,
    rooms,
    room,
    errors,
    link,
    unreachable: () => unreachable,
    abandoned,
    /** It says its first word to who is coming, and no more. */
    answer: () => answer(),
    /** An SFU that lets nobody in from now on. */
    silence: (now: boolean) => {
      silent = now
    },
    refuse: (now: boolean) => {
      refused = now
    },
  }
}

describe('SfuSession', () => {
  it('REQ-K8: a link is connected while its participant is in the room of the SFU', async () => {
    const { room, link } = await begin()
    const early = link('p-a')
    expect(early.link.state).toBe('connecting')
    room().events.onPresence('p-a', true)
    room().events.onTrack('p-a', 'video', track('v'))
    expect([early.states, early.got]).toEqual([['connected'], ['video v']])
    expect(room().published).toBe(tracks)
    // Whoever asks late gets what is there already.
    room().events.onPresence('p-b', true)
    room().events.onTrack('p-b', 'audio', track('a'))
    expect(link('p-b')).toMatchObject({ states: ['connected'], got: ['audio a'] })
    room().events.onPresence('p-a', false)
    expect(early.link.state).toBe('reconnecting')
  })

  it('REQ-K7: tries the way anew when media stops: the session first, then another one, then no more', async () => {
    const { clock, room } = await begin()
    room().played = 1
    await clock.advance(1000)
    room().played = 2
    await clock.advance(1500)
    expect(room().recovered).toEqual([])
    // Signaling answers, and still nothing comes.
    await clock.advance(400)
    expect(room().recovered).toEqual(['resume'])
    await clock.advance(13_500)
    expect(room().recovered).toEqual(['resume'])
    await clock.advance(30_000)
    expect(room().recovered).toEqual(['resume', 'restart'])
    // Media is back, and may be lost once more.
    room().played = 3
    await clock.advance(5000)
    expect(room().recovered).toEqual(['resume', 'restart', 'resume'])
  })

  it('REQ-P7: tries the way anew once the browser says that it is cut, though nobody answers', async () => {
    const { clock, room } = await begin({ answers: false })
    room().played = 1
    await clock.advance(6000)
    expect(room().recovered).toEqual([])
    room().connectionState = 'disconnected'
    await clock.advance(200)
    expect(room().recovered).toEqual(['resume'])
  })

  it('REQ-P7: tells of a silence by when the last packet arrived, which was played later', async () => {
    const { clock, room, link } = await begin()
    const { states } = link('p-a')
    room().events.onPresence('p-a', true)
    room().events.onTrack('p-a', 'video', track('v'))
    const row = { type: 'inbound-rtp', trackIdentifier: 'v', lastPacketReceivedTimestamp: 9000 }
    room().stats = async () =>
      new Map([['v', { ...row, timestamp: 8000 + clock.now() }]]) as unknown as RTCStatsReport
    for (let packet = 0; packet <= 10; packet++) {
      room().played = packet
      await clock.advance(100)
    }
    await clock.advance(500)
    expect(states).toEqual(['connected'])
    // 0.65 s after second 1 of this clock, which was second 9 of the browser's.
    await clock.advance(100)
    expect(states).toEqual(['connected', 'reconnecting'])
  })

  it('REQ-P7: sends no picture into a cut, and does again once something comes', async () => {
    const { clock, room } = await begin()
    const { rows } = room()
    rows.set('t', { type: 'transport', bytesSent: 1, packetsReceived: 1 })
    room().played = 1
    await clock.advance(750)
    expect(room().holds).toEqual([true])
    rows.set('t', { type: 'transport', bytesSent: 1, packetsReceived: 2 })
    await clock.advance(100)
    expect(room().holds).toEqual([true, false])
  })

  it('REQ-P7: of whom no picture comes, small ones are asked for, until some time after there are some', async () => {
    const { clock, room, session } = await begin()
    room().events.onPresence('p-a', true)
    const flows = async (ms: number) => {
      for (let at = 0; at < ms; at += 100) {
        room().played = clock.now()
        await clock.advance(100)
      }
    }
    await flows(1000)
    await clock.advance(600)
    expect(room().small).toEqual(['p-a small'])
    await flows(2000)
    // From each pause on it is counted again.
    await clock.advance(600)
    await flows(2000)
    expect(room().small).toEqual(['p-a small', 'p-a small'])
    await flows(1000)
    expect(room().small).toEqual(['p-a small', 'p-a small', 'p-a as is shown'])
    session.close()
  })

  it('REQ-P7: begins with whole pictures for somebody who is heard again, and not for who has left', async () => {
    const { clock, room } = await begin()
    room().events.onPresence('p-a', true)
    room().played = 1
    await clock.advance(1000)
    expect(room().wholePictures).toBe(0)
    room().played = 2
    await clock.advance(200)
    expect(room().wholePictures).toBe(1)
    await clock.advance(1000)
    room().events.onPresence('p-a', false)
    room().played = undefined
    await clock.advance(5000)
    expect(room().wholePictures).toBe(1)
  })

  it('REQ-P7: begins with whole pictures every 3 s at most, though somebody comes and goes all the time', async () => {
    const { clock, room } = await begin()
    room().events.onPresence('p-a', true)
    for (let times = 1; times <= 12; times++) {
      room().played = times
      await clock.advance(1000)
    }
    expect(room().wholePictures).toBe(4)
    // The last one that was owed.
    await clock.advance(60_000)
    expect(room().wholePictures).toBe(5)
  })

  it('takes it for no cut that packets of a silent voice are lost, and a longer silence for one', async () => {
    const { clock, room } = await begin()
    room().events.onPresence('p-a', true)
    room().camera = false
    for (const ms of [400, 800, 1200, 400, 1200, 400]) {
      room().played = clock.now()
      await clock.advance(ms)
    }
    expect(room().wholePictures).toBe(0)
    room().played = clock.now()
    await clock.advance(1600)
    room().played = clock.now()
    await clock.advance(400)
    expect(room().wholePictures).toBe(1)
  })

  it('does not take for silence that nothing is due, a page that slept, or a reconnection', async () => {
    const { clock, room } = await begin()
    await clock.advance(5000)
    room().played = 1
    await clock.advance(500)
    await clock.freeze(10_000)
    await clock.advance(500)
    room().events.onState('reconnecting')
    await clock.advance(10_000)
    expect(room().recovered).toEqual([])
  })

  it('REQ-K7: begins anew with a fresh token when the room is over, again and again', async () => {
    const { clock, session, rooms, room, errors, link, refuse } = await begin()
    const { states } = link('p-a')
    room().events.onPresence('p-a', true)
    refuse(true)
    room().events.onState('closed')
    expect(states).toEqual(['connected', 'reconnecting'])
    await clock.advance(60_000)
    expect(errors.length).toBeGreaterThan(3)
    refuse(false)
    session.retry()
    await settle()
    expect(rooms.map(({ token, closed }) => [token.split('-')[0], closed])).toEqual([
      ['first', true],
      ['fresh', false],
    ])
    room().events.onPresence('p-a', true)
    expect(states).toEqual(['connected', 'reconnecting', 'connected'])
    session.close()
    expect(room().closed).toBe(true)
    await clock.advance(60_000)
    expect(rooms).toHaveLength(2)
  })

  it('REQ-K7: begins anew at once when the server that had the room is gone, whatever it was about to do', async () => {
    const { clock, session, rooms, room, link } = await begin()
    const { states } = link('p-a')
    room().events.onPresence('p-a', true)
    session.beginAnew()
    await clock.advance(0)
    expect(rooms.map(({ token, closed }) => [token, closed])).toEqual([
      ['first', true],
      ['first', false],
    ])
    // What the old one still says is of no interest.
    rooms[0]?.events.onState('closed')
    rooms[0]?.events.onPresence('p-a', true)
    await clock.advance(0)
    expect([rooms.length, states]).toEqual([2, ['connected', 'reconnecting']])
    room().events.onPresence('p-a', true)
    expect(states.at(-1)).toBe('connected')
    session.close()
    session.beginAnew()
    await clock.advance(20_000)
    expect(rooms).toHaveLength(2)
  })

  it('REQ-K8: gives a try up that the SFU has not answered when the way is back, and begins anew once', async () => {
    const { clock, session, rooms, room } = await begin()
    room().events.onState('reconnecting')
    for (let tries = 0; tries < 4; tries++) {
      await clock.advance(3000)
      room().events.onTry(false)
    }
    expect(rooms).toHaveLength(1)
    session.retry()
    // Of the network and of signaling it is told one after the other.
    session.retry()
    await settle()
    session.retry()
    expect(rooms.map(({ token, closed }) => [token, closed])).toEqual([
      ['first', true],
      ['first', false],
    ])
  })

  it('REQ-K8: begins anew when the way is back and all was tried before, and leaves one that goes on as it is', async () => {
    const { clock, session, rooms, room } = await begin()
    session.retry()
    room().events.onTry(false)
    room().events.onState('reconnecting')
    room().events.onTry(true)
    session.retry()
    room().events.onState('connected')
    room().played = 1
    await clock.advance(16_000)
    expect(room().recovered).toEqual(['resume'])
    session.retry()
    expect(rooms).toHaveLength(1)
    await clock.advance(2000)
    expect(room().recovered).toEqual(['resume', 'restart'])
    session.retry()
    await settle()
    expect(rooms.map(({ closed }) => closed)).toEqual([true, false])
  })

  it('REQ-K8: leaves a connection as it is over which nothing is due any more, whatever was tried before', async () => {
    const { clock, session, rooms, room } = await begin()
    room().played = 1
    await clock.advance(18_000)
    expect(room().recovered).toEqual(['resume', 'restart'])
    // It helped, and everybody has turned camera and microphone off.
    room().played = undefined
    await clock.advance(1000)
    session.retry()
    await settle()
    expect(rooms.map(({ closed }) => closed)).toEqual([false])
  })

  it('REQ-K8: gives a try up that the SFU answered before another cut, and not one that it has just answered', async () => {
    const { clock, session, rooms, room } = await begin()
    room().events.onTry(false)
    room().events.onState('reconnecting')
    room().events.onTry(true)
    // A round trip of 0.6 s: the answer, ICE and DTLS.
    await clock.advance(4000)
    session.retry()
    await settle()
    expect(rooms.map(({ closed }) => closed)).toEqual([false])
    await clock.advance(2000)
    session.retry()
    await settle()
    expect(rooms.map(({ token, closed }) => [token, closed])).toEqual([
      ['first', true],
      ['first', false],
    ])
  })

  it('REQ-K8: gives a beginning up that hangs when the way is back, and not one that is only far from the SFU', async () => {
    const { clock, session, rooms, room, silence, abandoned } = await begin()
    silence(true)
    room().events.onState('closed')
    await clock.advance(0)
    // At a round trip of 0.6 s: a TCP connection, TLS and the SFU's first word.
    await clock.advance(2400)
    session.retry()
    await settle()
    expect(abandoned).toEqual([])
    await clock.advance(100)
    silence(false)
    session.retry()
    await settle()
    expect(abandoned).toEqual(['fresh-1'])
    expect(rooms.map(({ token }) => token)).toEqual(['first', 'fresh-2'])
  })

  it('REQ-K8: leaves a beginning alone that the SFU has answered, for as long as a connection takes', async () => {
    const { clock, session, room, silence, answer, abandoned } = await begin()
    silence(true)
    room().events.onState('closed')
    await clock.advance(2000)
    answer()
    await clock.advance(4000)
    session.retry()
    await settle()
    expect(abandoned).toEqual([])
    await clock.advance(2000)
    session.retry()
    await settle()
    expect(abandoned).toEqual(['fresh-1'])
  })

  it('REQ-K7: takes a fresh token where the one it had is refused, or there is none', async () => {
    const { clock, session, rooms, refuse } = await begin()
    refuse(true)
    session.beginAnew()
    await settle()
    refuse(false)
    session.beginAnew()
    await clock.advance(0)
    expect(rooms.map(({ token }) => token)).toEqual(['first', 'fresh-1'])
  })

  it('REQ-K8: says that it cannot be reached, again and again, for as long as it cannot', async () => {
    const { clock, session, room, unreachable, refuse } = await begin()
    await clock.advance(60_000)
    expect(unreachable()).toBe(0)
    refuse(true)
    room().events.onState('closed')
    await clock.advance(2900)
    expect(unreachable()).toBe(0)
    await clock.advance(5200)
    expect(unreachable()).toBe(2)
    refuse(false)
    session.retry()
    await clock.advance(60_000)
    expect(unreachable()).toBe(2)
    room().events.onState('reconnecting')
    await clock.advance(3100)
    expect(unreachable()).toBe(3)
    session.close()
    await clock.advance(60_000)
    expect(unreachable()).toBe(3)
  })

  it('REQ-M1: counts the connection once, and of it what came from each participant', async () => {
    const { clock, session, room, link } = await begin()
    const { link: ana } = link('p-a')
    room().events.onPresence('p-a', true)
    room().events.onTrack('p-a', 'video', track('v'))
    const rtp = { type: 'inbound-rtp', kind: 'video', packetsReceived: 3, bytesReceived: 300 }
    const transport = {
      type: 'transport',
      bytesReceived: 1000,
      packetsReceived: 10,
      packetsSent: 5,
    }
    room().rows = new Map<string, Record<string, unknown>>([
      ['T', { ...transport, bytesSent: 500, selectedCandidatePairId: 'P' }],
      ['P', { type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' }],
      ['L', { type: 'local-candidate', candidateType: 'relay', relayProtocol: 'udp' }],
      ['A', { ...rtp, trackIdentifier: 'v', framesDecoded: 7, headerBytesReceived: 36 }],
      ['B', { ...rtp, trackIdentifier: 'of somebody else', framesDecoded: 9 }],
    ])
    expect(readLinkStats(rowsOf(await ana.stats()))).toMatchObject({
      usingRelay: true,
      relayProtocol: 'udp',
      framesDecoded: 7,
      transport: { bytesSent: 0, packetsSent: 0, bytesReceived: 336, packetsReceived: 3 },
    })
    await clock.advance(1000)
    const all = { bytesSent: 500, packetsSent: 5, bytesReceived: 1000, packetsReceived: 10 }
    expect(await session.readTotals()).toEqual(all)
    // A new connection counts from 0; what the one before counted is kept.
    room().events.onState('closed')
    await settle()
    expect(session.totals()).toEqual(all)
  })
})
