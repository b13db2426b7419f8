import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import type { Cell } from '../../state.ts'
import { FakeServer } from '../../testing/FakeServer.ts'
import { settle, TestClock } from '../../testing/TestClock.ts'
import type { LinkState, LocalTracks, SendLimit } from '../connection/PeerLink.ts'
import { signalingPolicy } from '../connection/ReconnectPolicy.ts'
import { SignalingError } from '../connection/Signaling.ts'
import type { IceError } from '../linkReports/linkFacts.ts'
import { CallSession } from './CallSession.ts'
import { type CallState, initialCall } from './callState.ts'
import type { Link, LinkRequest } from './Link.ts'
import type { Sfu } from './Sfu.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

/** A link whose state a test sets. */
class FakeLink implements Link {
  state: LinkState = 'connecting'
  connectionState: RTCPeerConnectionState = 'new'
  iceConnectionState: RTCIceConnectionState = 'new'
  readonly request: LinkRequest
  readonly calls: string[] = []
  readonly tracks: LocalTracks = { audio: null, video: null }
  closed = false
  readings = 0
  report = new Map<string, unknown>()
  slow = false
  audible = false
  readonly sfu: boolean

  constructor(request: LinkRequest, sfu = false) {
    this.request = request
    this.iceServers = request.configuration.iceServers ?? []
    this.sfu = sfu
  }

  become(state: LinkState): void {
    this.state = state
    this.request.onState(state)
  }

  receive = () => void this.calls.push('receive')
  setTracks = () => void this.calls.push('setTracks')
  readonly iceErrors: IceError[] = []
  readonly limits: SendLimit[] = []
  setSendLimit = (limit: SendLimit) => void this.limits.push(limit)
  iceServers: RTCIceServer[]
  setIceServers = (iceServers: RTCIceServer[]) => {
    this.calls.push('setIceServers')
    this.iceServers = iceServers
  }
  signalingRestored = () => void this.calls.push('signalingRestored')
  retry = () => void this.calls.push('retry')
  peerReturned = () => void this.calls.push('peerReturned')
  finish = (onDone: () => void) => {
    this.calls.push('finish')
    this.done = onDone
  }
  confirm = (onLive: () => void) => {
    this.calls.push('confirm')
    this.live = onLive
  }
  done = () => {}
  live = () => {}
  hasPlayedAudio = () => this.audible
  stats = async () => {
    this.readings++
    if (this.slow) await new Promise(() => {})
    return this.report as unknown as RTCStatsReport
  }
  close = () => {
    this.closed = true
  }
}

/** @param skewMs how far this page's clock is ahead of the server's */
function begin(skewMs = 0) {
  const clock = new TestClock()
  const server = new FakeServer()
  const links = new Map<string, FakeLink>()
  /** Links over the SFU. */
  const sfuLinks = new Map<string, FakeLink>()
  const sfus: {
    token: string
    configuration: RTCConfiguration
    closed: boolean
    lost: number
    retried: number
    levels: number[]
    unreachable(): void
  }[] = []
  const sent = { bytesSent: 7, bytesReceived: 0, packetsSent: 1, packetsReceived: 0 }
  const local = { media: { audio: true, video: true } }
  const errors: unknown[] = []
  let state: CallState = initialCall
  const call: Cell<CallState> = {
    get: () => state,
    set: (patch) => {
      state = { ...state, ...patch }
    },
  }
  const session = new CallSession({
    call,
    clock,
    epochMs: () => clock.now() + 1_000_000 + skewMs,
    policy: signalingPolicy(() => 0.5),
    requestJoin: server.requestJoin,
    openSignaling: server.open,
    createLink: (request) => {
      const link = new FakeLink(request)
      links.set(request.peerId, link)
      return link
    },
    prepareSfu: () => {},
    openSfu: ({ token, configuration, onUnreachable }): Sfu => {
      const began = { token, configuration, closed: false, lost: 0, retried: 0 }
      const sfu = { ...began, levels: [] as number[], unreachable: onUnreachable }
      sfus.push(sfu)
      return {
        link: (request) => {
          const link = new FakeLink(request, true)
          sfuLinks.set(request.peerId, link)
          return link
        },
        setTracks() {},
        setQuality: (level) => void sfu.levels.push(level),
        setIceServers: (iceServers) => {
          sfu.configuration = { ...sfu.configuration, iceServers }
        },
        retry: () => void sfu.retried++,
        beginAnew: () => void sfu.lost++,
        report: async () => undefined,
        readTotals: async () => sent,
        totals: () => sent,
        close: () => {
          sfu.closed = true
        },
      }
    },
    local: () => ({ tracks: { audio: null, video: null }, media: local.media }),
    followers: [],
    onError: (error) => errors.push(error),
  })
  const join = async () => {
    await session.join({ room: 'room', name: 'Self', relayForced: false })
    await settle()
  }
  const link = (id: string) => {
    const found = links.get(id)
    if (!found) throw new Error(`no link to ${id}`)
    return found
  }
  const names = () => call.get().participants.map(({ name }) => name)
  return { clock, server, session, call, links, link, sfuLinks, sfus, local, errors, join, names }
}

describe('CallSession', () => {
  it('joins: the request, the socket, the room, then a link to each other one', async () => {
    const { server, call, links, join, names } = begin()
    server.enter('p-a', 'Ana')
    server.enter('p-b', 'Minh')
    await join()
    expect(server.told.map(({ what }) => what)).toEqual(['request Self', 'connect', 'join'])
    expect(call.get()).toMatchObject({ phase: 'joined', selfId: 'p-self', maxParticipants: 4 })
    expect([...links.keys()]).toEqual(['p-a', 'p-b'])
    expect(names()).toEqual(['Ana', 'Minh'])
  })

  it('REQ-P1: Feature: webrtc-improvements, Property 1: every connection, over the mesh or to the SFU, has TURN credentials that the server takes, whatever this clock says', async () => {
    const hours = 3_600_000
    const step = fc.record({
      waitMs: fc.nat(40_000),
      event: fc.constantFrom('enter', 'exit', 'drop', 'return', 'sfu', 'mesh', 'nothing'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: -2 * hours, max: 2 * hours }),
        fc.boolean(),
        async (steps, skewMs, relayForced) => {
          const { clock, server, session, call, links, sfuLinks, sfus } = begin(skewMs)
          const epochMs = () => clock.now() + 1_000_000
          server.minting = { epochMs, ttlSeconds: 30 }
          server.enter('p-0')
          await session.join({ room: 'room', name: 'Self', relayForced })
          await settle()
          for (const [index, { waitMs, event }] of steps.entries()) {
            if (event === 'enter') server.enter(`p-${index + 1}`)
            if (event === 'exit') server.exit('p-0')
            if (event === 'drop') server.drop()
            if (event === 'return') server.up = true
            if (event === 'sfu') server.moveToSfu()
            if (event === 'mesh') server.moveToMesh()
            await settle()
            // What comes over a new way takes over from the one before, which is kept for a while.
            for (const link of [...links.values(), ...sfuLinks.values()]) {
              link.report.set('A', { type: 'inbound-rtp', kind: 'audio', packetsReceived: 9 })
              link.report.set('V', { type: 'inbound-rtp', kind: 'video', framesDecoded: 9 })
              if (!link.closed) link.become('connected')
            }
            for (const link of links.values()) link.audible = true
            await clock.advance(waitMs)
            if (call.get().signaling !== 'up') continue
            const direct = [...links.values()].map(({ closed, iceServers, request }) => ({
              closed,
              configuration: { ...request.configuration, iceServers },
            }))
            for (const { closed, configuration } of [...direct, ...sfus]) {
              if (closed) continue
              const { iceServers = [], iceTransportPolicy } = configuration
              const valid = iceServers.filter(
                ({ urls, username, credential }) =>
                  String(urls).startsWith('turn:') &&
                  credential &&
                  Number(username?.split(':')[0]) * 1000 > epochMs(),
              )
              expect(valid.length).toBeGreaterThan(0)
              expect(iceTransportPolicy).toBe(relayForced ? 'relay' : 'all')
            }
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('REQ-P4: Feature: webrtc-improvements, Property 4: shows the name of the join event', async () => {
    const given = fc.array(fc.string({ minLength: 1 }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(given, given, async (before, later) => {
        const { clock, server, join, link, names } = begin()
        for (const [index, name] of before.entries()) server.enter(`p-${index}`, name)
        await join()
        for (const [index, name] of later.entries()) server.enter(`q-${index}`, name)
        const given = [...before, ...later]
        expect(names()).toEqual(given)
        // Whatever else is heard of them.
        for (const { id, media } of server.others.values()) {
          link(id).become('connected')
          server.events.onMedia(id, { ...media, audio: false })
        }
        await clock.advance(2000)
        expect(names()).toEqual(given)
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P5: Feature: webrtc-improvements, Property 5: never more than 2 s between two readings of a link, whatever happens to it and however slow they are', async () => {
    const step = fc.record({
      waitMs: fc.nat(8000),
      event: fc.constantFrom('reconnecting', 'connected', 'failed', 'drop', 'return', 'slow'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const { clock, server, join, link } = begin()
        server.enter('p-a')
        await join()
        const readAt = [clock.now()]
        const { stats } = link('p-a')
        link('p-a').stats = () => {
          readAt.push(clock.now())
          return stats()
        }
        for (const { waitMs, event } of steps) {
          if (event === 'drop') server.drop()
          else if (event === 'return') server.up = true
          else if (event === 'slow') link('p-a').slow = true
          else link('p-a').become(event)
          await clock.advance(waitMs)
        }
        const gaps = [...readAt.slice(1), clock.now()].map((at, nth) => at - (readAt[nth] ?? 0))
        expect(Math.max(...gaps)).toBeLessThanOrEqual(2000)
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P6: Feature: webrtc-improvements, Property 6: a change of state is in the store within 100 ms', async () => {
    const change = fc.record({
      who: fc.constantFrom('p-a', 'p-b'),
      state: fc.constantFrom<LinkState>('connecting', 'connected', 'reconnecting', 'failed'),
      dropped: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 20 }), async (changes) => {
        const { clock, server, call, join, link } = begin()
        server.enter('p-a')
        server.enter('p-b')
        await join()
        for (const { who, state, dropped } of changes) {
          link(who).become(state)
          if (dropped) server.drop()
          await clock.advance(99)
          const { participants, signaling } = call.get()
          expect(participants.map((one) => one.link)).toEqual(
            [link('p-a'), link('p-b')].map((one) => one.state),
          )
          if (dropped) expect(signaling).not.toBe('up')
        }
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P8: Feature: webrtc-improvements, Property 8: after a reconnection others see what was chosen before or meanwhile', async () => {
    const event = fc.oneof(
      fc.record({ audio: fc.boolean(), video: fc.boolean() }),
      fc.constantFrom('drop' as const, 'return' as const),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 15 }), async (events) => {
        const { clock, server, session, local, join } = begin()
        server.enter('p-a')
        await join()
        for (const each of events) {
          if (each === 'drop') server.drop()
          else if (each === 'return') server.up = true
          else {
            local.media = each
            session.localChanged()
          }
          await clock.advance(700)
        }
        server.up = true
        await clock.advance(30_000)
        // Whatever was said over an earlier seat went with it.
        const said = server.told.filter(({ what }) => what === 'join' || what === 'media').at(-1)
        expect(said?.media).toEqual(local.media)
      }),
      { numRuns: 150 },
    )
  })

  it('REQ-P9: Feature: webrtc-improvements, Property 9: links hear of the socket only once it is up and the room joined', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 40_000 }), async (awayMs) => {
        const { clock, server, join, link, call } = begin()
        server.enter('p-a')
        await join()
        link('p-a').become('connected')
        server.drop()
        link('p-a').become('reconnecting')
        await clock.advance(awayMs)
        expect(link('p-a').request.signalingUp()).toBe(false)
        expect(link('p-a').calls.filter((what) => what === 'signalingRestored')).toHaveLength(1)
        expect(link('p-a').closed).toBe(false)
        server.up = true
        await clock.advance(10_000)
        expect(call.get().signaling).toBe('up')
        expect(link('p-a').request.signalingUp()).toBe(true)
        expect(link('p-a').calls.filter((what) => what === 'signalingRestored')).toHaveLength(2)
      }),
      { numRuns: 100 },
    )
  })

  it('says what is on and off again when the server did not take it', async () => {
    const { clock, server, session, local, join } = begin()
    await join()
    server.mediaRefusals = 2
    local.media = { audio: false, video: true }
    session.localChanged()
    await clock.advance(900)
    expect(server.told.filter(({ what }) => what === 'media')).toEqual([])
    await clock.advance(1500)
    expect(server.told.filter(({ what }) => what === 'media')).toEqual([
      { what: 'media', media: local.media },
    ])
    await clock.advance(10_000)
    expect(server.told.filter(({ what }) => what === 'media')).toHaveLength(1)
  })

  it('REQ-W1: after three tries it offers to reconnect, and media is kept', async () => {
    const { clock, server, session, call, join, link } = begin()
    server.enter('p-a')
    await join()
    link('p-a').become('connected')
    server.drop()
    expect(call.get().signaling).toBe('reconnecting')
    await clock.advance(3600)
    expect(call.get().signaling).toBe('lost')
    expect(server.told.filter(({ what }) => what === 'connect')).toHaveLength(4)
    expect(link('p-a').closed).toBe(false)

    server.up = true
    await session.retry()
    await clock.advance(300)
    expect(call.get().signaling).toBe('up')
  })

  it('REQ-W1, REQ-P7: a socket that does not answer while a link is cut is given up for a new one', async () => {
    const { clock, server, call, join, link } = begin()
    server.enter('p-a')
    await join()
    link('p-a').become('connected')
    // One that answers is kept, whatever has become of the link.
    link('p-a').become('reconnecting')
    await clock.advance(5000)
    expect(call.get().signaling).toBe('up')
    expect(server.told.filter(({ what }) => what === 'connect')).toHaveLength(1)

    link('p-a').become('connected')
    server.mute = true
    link('p-a').become('reconnecting')
    await clock.advance(1000)
    expect(server.told.at(-1)?.what).toBe('drop')
    expect(call.get().signaling).toBe('reconnecting')
    server.mute = false
    await clock.advance(300)
    expect(call.get().signaling).toBe('up')
    expect(link('p-a').closed).toBe(false)
  })

  it('REQ-P7: a page that was busy while its socket was asked listens once more, and not for ever', async () => {
    const { clock, server, call, join, link } = begin()
    server.enter('p-a')
    await join()
    link('p-a').become('connected')
    server.mute = true
    link('p-a').become('reconnecting')
    await clock.freeze(5000)
    expect(call.get().signaling).toBe('up')
    await clock.freeze(5000)
    expect(server.told.at(-1)?.what).toBe('drop')
    expect(call.get().signaling).toBe('reconnecting')
  })

  it('REQ-P7: who returns with another socket is offered anew what may have been lost', async () => {
    const { server, join, link } = begin()
    const ana = server.enter('p-a')
    await join()
    // On its way for the first time.
    server.events.onMedia('p-a', ana.media)
    expect(link('p-a').calls).not.toContain('peerReturned')
    link('p-a').become('connected')
    link('p-a').become('reconnecting')
    server.events.onMedia('p-a', ana.media)
    expect(link('p-a').calls).toContain('peerReturned')
  })

  it('REQ-W1: whoever the server misses stays for as long as the link does', async () => {
    const { server, call, join, link, names } = begin()
    server.enter('p-a', 'Ana')
    server.enter('p-b', 'Minh')
    await join()
    link('p-a').become('connected')
    server.exit('p-a')
    server.exit('p-b')
    expect(names()).toEqual(['Ana'])

    server.enter('p-a', 'Ana')
    expect(link('p-a').calls).toContain('peerReturned')
    server.exit('p-a')
    link('p-a').become('reconnecting')
    expect(names()).toEqual([])
    expect(link('p-a').closed).toBe(true)
    expect(call.get().notices.map(({ kind, name }) => `${name} ${kind}`)).toEqual([
      'Minh left',
      'Ana left',
    ])
  })

  it('a server that began anew empty costs nobody a connection', async () => {
    const { clock, server, join, link, names } = begin()
    server.enter('p-a', 'Ana')
    await join()
    link('p-a').become('connected')
    const ana = server.others.get('p-a')
    server.drop()
    server.others.clear()
    server.up = true
    await clock.advance(1000)
    expect(names()).toEqual(['Ana'])
    if (ana) server.events.onJoined(ana)
    expect(names()).toEqual(['Ana'])
    expect(link('p-a').closed).toBe(false)
  })

  it('takes signals that come before their sender is known', async () => {
    const { server, join, link } = begin()
    await join()
    server.events.onSignal('p-a', { candidate: null })
    server.enter('p-a')
    expect(link('p-a').calls).toContain('receive')
  })

  it.each(['room-full', 'offline', 'forbidden'] as const)(
    'a join that ends in %s says so, and can be tried again',
    async (code) => {
      const { server, session, call, join } = begin()
      server.refusal = code
      await join()
      expect(call.get()).toMatchObject({ phase: 'failed', error: code })
      server.refusal = undefined
      await session.retry()
      await settle()
      expect(call.get()).toMatchObject({ phase: 'joined', error: null })
    },
  )

  it('REQ-W1: a server that takes nobody in for now is asked until it does, with a note; who leaves waits no more', async () => {
    const { clock, server, session, call, join } = begin()
    const asked = () => server.told.filter(({ what }) => what.startsWith('request')).length
    server.refusal = 'unavailable'
    void join()
    for (let tries = 1; tries < 20; tries++) {
      await settle()
      expect(call.get()).toMatchObject({ phase: 'joining', notes: ['service-away'] })
      expect(asked()).toBe(tries)
      await clock.advance(1500)
    }
    server.refusal = undefined
    await clock.advance(1500)
    await settle()
    expect(call.get()).toMatchObject({ phase: 'joined', notes: [], error: null })

    session.leave()
    server.refusal = 'unavailable'
    void join()
    await settle()
    session.leave()
    const before = asked()
    await clock.advance(60_000)
    expect(asked()).toBe(before)
    expect(call.get()).toMatchObject({ phase: 'left', notes: [] })
  })

  it('a network that is back brings in who could not come, and nobody who left or was shown out', async () => {
    const { server, session, call, join } = begin()
    server.refusal = 'offline'
    await join()
    server.refusal = undefined
    session.networkBack()
    await settle()
    expect(call.get().phase).toBe('joined')
    session.leave()
    session.networkBack()
    await settle()
    expect(call.get().phase).toBe('left')
    await join()
    server.events.onTurnedAway('removed')
    session.networkBack()
    await settle()
    expect(call.get()).toMatchObject({ phase: 'failed', error: 'removed' })
  })

  it('whoever lost the seat of a locked room sends nothing there from before its door', async () => {
    const { clock, server, call, join, link } = begin()
    server.enter('p-a')
    await join()
    link('p-a').become('connected')
    server.drop()
    server.up = true
    server.door = 'locked'
    await clock.advance(5000)
    expect(call.get()).toMatchObject({ phase: 'waiting', participants: [] })
    expect(link('p-a').closed).toBe(true)
  })

  it('gets a new token where the old one ran out while it was away', async () => {
    const { clock, server, call, join } = begin()
    await join()
    server.drop()
    server.up = true
    server.expireToken()
    await clock.advance(1000)
    expect(server.told.map(({ what }) => what).slice(3)).toEqual([
      'connect',
      'request Self',
      'connect',
      'join',
    ])
    expect(call.get()).toMatchObject({ phase: 'joined', signaling: 'up' })
  })

  it('asks for new TURN credentials at 80 % of their time, again and again', async () => {
    const { clock, server, join, link } = begin()
    server.enter('p-a')
    // 3600 s are left: the fake server's username expires at 4600 s, and it is 1000 s past 1970.
    await join()
    await clock.advance(2_879_000)
    expect(server.told.filter(({ what }) => what === 'refresh')).toHaveLength(0)
    server.iceServers = [{ urls: ['turn:192.0.2.1'], username: '8200:t.r.p-self' }]
    await clock.advance(2000)
    expect(server.told.filter(({ what }) => what === 'refresh')).toHaveLength(1)
    expect(link('p-a').calls).toContain('setIceServers')
    await clock.advance(3_500_000)
    expect(server.told.filter(({ what }) => what === 'refresh')).toHaveLength(2)
  })

  it('REQ-W2: times joining from the click to the first sound', async () => {
    const { clock, server, call, join, link } = begin()
    server.enter('p-a')
    await join()
    await clock.advance(400)
    expect(call.get().timings).toMatchObject({ joined: 0, othersPresent: true })
    expect(call.get().timings.firstAudio).toBeUndefined()
    link('p-a').become('connected')
    link('p-a').audible = true
    await clock.advance(50)
    expect(call.get().timings.firstAudio).toBeLessThanOrEqual(450)
  })

  it('counts the bytes of a connection that was replaced', async () => {
    const { server, session, join, link } = begin()
    server.enter('p-a')
    await join()
    const read = async (bytesSent: number) => {
      link('p-a').report.set('T', { id: 'T', type: 'transport', bytesSent })
      await session.readings.sample()
      return session.readings.totals().bytesSent
    }
    expect(await read(100)).toBe(100)
    expect(await read(150)).toBe(150)
    expect(await read(10)).toBe(160)
    expect(await read(40)).toBe(190)
  })

  it('counts the bytes of links that ended', async () => {
    const { server, session, join, link } = begin()
    server.enter('p-a')
    server.enter('p-b')
    await join()
    const transport = {
      id: 'T',
      type: 'transport',
      bytesSent: 10,
      bytesReceived: 20,
      packetsSent: 1,
    }
    link('p-a').report.set('T', transport)
    link('p-b').report.set('T', transport)
    await session.readings.sample()
    server.exit('p-a')
    expect(session.readings.totals()).toEqual({
      bytesSent: 20,
      bytesReceived: 40,
      packetsSent: 2,
      packetsReceived: 0,
    })
  })

  it('leaves: the room is told and nothing goes on', async () => {
    const { clock, server, session, call, join, link } = begin()
    server.enter('p-a')
    await join()
    session.leave()
    const told = server.told.length
    await clock.advance(120_000)
    expect(server.told.at(-1)).toEqual({ what: 'leave' })
    expect(server.told).toHaveLength(told)
    expect(link('p-a').closed).toBe(true)
    expect(call.get()).toMatchObject({ phase: 'left', participants: [] })
  })

  it('says that the call goes on in another tab', async () => {
    const { server, call, join } = begin()
    await join()
    server.events.onReplaced()
    expect(call.get()).toMatchObject({ phase: 'failed', error: 'replaced' })
  })

  describe('in a room that moves to the SFU', () => {
    const report = (framesDecoded: number, audio: number) =>
      new Map<string, unknown>([
        ['V', { type: 'inbound-rtp', kind: 'video', framesDecoded }],
        ['A', { type: 'inbound-rtp', kind: 'audio', packetsReceived: audio }],
        ['T', { type: 'transport', bytesSent: 100, bytesReceived: 0 }],
      ])

    it('REQ-W2: is on the SFU while its socket is still being connected, where the seat came with the token', async () => {
      const { server, call, sfuLinks, sfus, join } = begin()
      server.enter('p-a', 'Ana')
      server.moveToSfu()
      server.seatsEarly = true
      let connect = () => {}
      server.beforeConnect = () =>
        new Promise((resolve) => {
          connect = resolve
        })
      const joined = join()
      await settle()
      expect(call.get()).toMatchObject({ phase: 'joining', participants: [] })
      expect(sfus).toMatchObject([{ token: 'sfu-token', closed: false }])
      connect()
      await joined
      expect(call.get()).toMatchObject({
        phase: 'joined',
        participants: [{ id: 'p-a', sfu: true }],
      })
      expect(sfus).toHaveLength(1)
      expect(sfuLinks.get('p-a')).toBeDefined()
    })

    it('REQ-W2: draws who comes over the SFU when there is something of them, or a moment later', async () => {
      const { clock, server, call, join } = begin()
      server.moveToSfu()
      await join()
      const seen = () => call.get().participants.map(({ name }) => name)
      const off = { audio: false, video: false }
      server.enter('p-a', 'Ana', off)
      server.enter('p-b', 'Minh', off)
      server.enter('p-c', 'Kofi', { ...off, audio: true })
      expect(seen()).toEqual(['Kofi'])
      server.events.onMedia('p-a', { ...off, video: true })
      expect(seen()).toEqual(['Ana', 'Kofi'])
      expect(call.get().participants[0]?.media.video).toBe(true)
      server.events.onMedia('p-b', off)
      await clock.advance(999)
      expect(call.get().notices.map(({ name }) => name)).toEqual(['Kofi', 'Ana'])
      await clock.advance(1)
      expect(seen()).toEqual(['Ana', 'Minh', 'Kofi'])
    })

    it('REQ-W1, W2: nobody is on the SFU untold: who goes before they were drawn, or comes again and again, is told of', async () => {
      const { clock, server, call, join } = begin()
      server.moveToSfu()
      await join()
      const off = { audio: false, video: false }
      server.enter('p-a', 'Ana', off)
      server.exit('p-a')
      expect(call.get().notices.map(({ name }) => name)).toEqual(['Ana', 'Ana'])
      expect(call.get().participants).toEqual([])
      for (let times = 0; times < 3; times++) {
        server.enter('p-b', 'Minh', off)
        await clock.advance(400)
      }
      expect(call.get().participants).toMatchObject([{ id: 'p-b' }])
      server.enter('p-c', 'Kofi', off)
      server.moveToMesh()
      expect(call.get().participants).toMatchObject([
        { id: 'p-b', sfu: false },
        { id: 'p-c', sfu: false },
      ])
    })

    it('REQ-K8: leaves the SFU where the room has begun anew as a mesh before the socket came', async () => {
      const { server, call, links, sfus, join } = begin()
      server.enter('p-a', 'Ana')
      server.moveToSfu()
      server.seatsEarly = true
      server.beforeConnect = async () => {
        server.media = { mode: 'mesh' }
      }
      await join()
      expect(call.get().participants).toMatchObject([{ id: 'p-a', sfu: false }])
      expect([...links.keys()]).toEqual(['p-a'])
      expect(sfus).toMatchObject([{ closed: true }])
    })

    it('REQ-W1: leaves the SFU where the socket to the seat is refused', async () => {
      const { server, call, sfus, join } = begin()
      server.enter('p-a', 'Ana')
      server.moveToSfu()
      server.seatsEarly = true
      server.beforeConnect = async () => {
        throw new SignalingError('unauthenticated', 'expired')
      }
      await join()
      expect(call.get()).toMatchObject({ phase: 'failed' })
      expect(sfus).toMatchObject([{ closed: true }])
    })

    it('REQ-K8: keeps each direct link until the SFU brings what it brought', async () => {
      const { clock, server, session, call, link, sfuLinks, sfus, join } = begin()
      server.enter('p-a', 'Ana')
      await join()
      link('p-a').become('connected')
      link('p-a').report = report(50, 50)
      await session.readings.sample()
      server.moveToSfu()
      await settle()
      expect(sfus).toMatchObject([{ token: 'sfu-token', closed: false, lost: 0 }])
      const next = sfuLinks.get('p-a')
      next?.become('connected')
      if (next) next.report = report(0, 1)
      await clock.advance(500)
      expect(link('p-a').calls).not.toContain('finish')
      const video = {} as MediaStreamTrack
      if (next) next.report = report(1, 1)
      if (next) next.tracks.video = video
      await clock.advance(500)
      expect(call.get().participants[0]).toMatchObject({ link: 'connected', video: null })
      // Its voice has come for a second. What came before is played on until the page plays the other.
      await clock.advance(100)
      expect(link('p-a').calls).not.toContain('finish')
      await clock.advance(1000)
      expect(link('p-a')).toMatchObject({ closed: false })
      expect(link('p-a').calls).toContain('finish')
      expect(call.get().participants[0]).toMatchObject({ link: 'connected', video })
      // Counted once: the direct link's share, and the connection to the SFU.
      expect(session.readings.totals().bytesSent).toBe(100 + 7)
      // The other end needs it no more, either; what the direct link does then is of no interest.
      link('p-a').done()
      expect(link('p-a').closed).toBe(true)
      link('p-a').become('reconnecting')
      expect(call.get().participants[0]?.link).toBe('connected')
    })

    it('REQ-K8: a direct link that is lost meanwhile gives way at once, and one that nobody ends goes', async () => {
      const { clock, server, call, link, sfuLinks, join } = begin()
      server.enter('p-a')
      server.enter('p-b')
      await join()
      for (const id of ['p-a', 'p-b']) link(id).become('connected')
      server.moveToSfu()
      await settle()
      link('p-a').become('reconnecting')
      expect(call.get().participants.map((p) => p.link)).toEqual(['connecting', 'connected'])
      await clock.advance(0)
      expect(link('p-a').closed).toBe(true)
      const next = sfuLinks.get('p-b')
      next?.become('connected')
      if (next) next.report = report(1, 1)
      await clock.advance(2000)
      expect(link('p-b').closed).toBe(false)
      await clock.advance(30_000)
      expect(link('p-b').closed).toBe(true)
    })

    it('REQ-K7: begins anew on the SFU when its server is gone, and has nothing to do in a mesh', async () => {
      const { server, sfus, join } = begin()
      await join()
      server.events.onSfuLost()
      server.moveToSfu()
      await settle()
      server.events.onSfuLost()
      expect(sfus.map(({ lost }) => lost)).toEqual([1])
    })

    it('REQ-K8: has the SFU tried again once signaling is back from a cut, and at no other time', async () => {
      const { clock, server, sfus, join } = begin()
      server.moveToSfu()
      await join()
      server.drop()
      await clock.advance(20_000)
      expect(sfus.map(({ retried }) => retried)).toEqual([0])
      server.up = true
      await clock.advance(10_000)
      expect(sfus.map(({ retried }) => retried)).toEqual([1])
    })

    it('REQ-K8: back in the mesh, keeps the SFU until every direct link brings what it brought, at both ends', async () => {
      const { clock, server, session, call, link, sfuLinks, sfus, join } = begin()
      server.moveToSfu()
      server.enter('p-a')
      server.enter('p-b')
      await join()
      for (const each of sfuLinks.values()) {
        each.report = report(9, 9)
        each.become('connected')
      }
      server.moveToMesh()
      // Signals of the other end's direct link may follow at once.
      server.events.onSignal('p-a', { candidate: null })
      expect(link('p-a').calls).toContain('receive')
      expect(call.get().notes).toEqual([])
      const [a, b] = [link('p-a'), link('p-b')]
      for (const each of [a, b]) each.become('connected')
      a.report = report(1, 1)
      await clock.advance(1100)
      expect(call.get().participants.map(({ sfu }) => sfu)).toEqual([false, true])
      expect(a.calls).not.toContain('confirm')
      await clock.advance(1000)
      expect([a.calls.includes('confirm'), b.calls.includes('confirm')]).toEqual([true, false])
      a.live()
      b.report = report(1, 1)
      await clock.advance(2200)
      expect(sfus[0]?.closed).toBe(false)
      expect(call.get().participants.map((p) => p.link)).toEqual(['connected', 'connected'])
      await session.readings.sample()
      b.live()
      expect(sfus[0]?.closed).toBe(true)
      // The SFU's connection and both direct links, each once.
      expect(session.readings.totals().bytesSent).toBe(7 + 100 + 100)
      // And up again.
      server.moveToSfu()
      await settle()
      expect(sfus.map(({ closed }) => closed)).toEqual([true, false])
    })

    it('REQ-K8: leaves the SFU when who was still to confirm has left, and at the latest after 30 s', async () => {
      const { clock, server, link, sfuLinks, sfus, join } = begin()
      server.moveToSfu()
      server.enter('p-a')
      server.enter('p-b')
      await join()
      for (const each of sfuLinks.values()) each.become('connected')
      server.moveToMesh()
      for (const id of ['p-a', 'p-b']) {
        link(id).report = report(1, 1)
        link(id).become('connected')
      }
      await clock.advance(2200)
      server.exit('p-a')
      link('p-a').become('reconnecting')
      expect(sfus[0]?.closed).toBe(false)
      await clock.advance(30_000)
      expect(sfus[0]?.closed).toBe(true)
    })

    it('REQ-K8: asks whether the SFU is away, and falls back to the mesh with a notice', async () => {
      const { clock, server, call, link, links, sfuLinks, sfus, join } = begin()
      server.moveToSfu()
      server.enter('p-a')
      await join()
      sfuLinks.get('p-a')?.become('connected')
      sfuLinks.get('p-a')?.become('reconnecting')
      sfus[0]?.unreachable()
      await settle()
      expect(server.told.at(-1)?.what).toBe('unreachable')
      // The server reaches it: nothing changes.
      expect([links.size, call.get().notes]).toEqual([0, []])
      server.moveToMesh('sfu-away')
      expect(call.get().notes).toEqual(['sfu-away'])
      expect(call.get().participants[0]?.link).toBe('connecting')
      link('p-a').become('connected')
      link('p-a').live()
      expect(sfus[0]?.closed).toBe(true)
      expect(call.get().participants[0]?.link).toBe('connected')
      await clock.advance(15_000)
      expect(call.get().notes).toEqual([])
    })

    it('REQ-K8: a room that turns round on its way keeps the links it has', async () => {
      const { server, link, links, sfuLinks, sfus, join } = begin()
      server.enter('p-a')
      await join()
      link('p-a').become('connected')
      server.moveToSfu()
      await settle()
      server.moveToMesh()
      await settle()
      expect([links.size, sfuLinks.get('p-a')?.closed, sfus[0]?.closed]).toEqual([1, true, true])
      expect(link('p-a').closed).toBe(false)
    })

    it('REQ-K8: who comes then, and where it was so before, has no direct link; a mesh is no news', async () => {
      const { server, call, session, links, sfuLinks, sfus, join } = begin()
      server.moveToSfu()
      server.enter('p-a')
      await join()
      server.enter('p-b')
      expect([links.size, [...sfuLinks.keys()]]).toEqual([0, ['p-a', 'p-b']])
      // A server that has forgotten the room.
      server.media = { mode: 'mesh' }
      server.events.onHandedOver({ ...server.snapshot(), media: { mode: 'mesh' } })
      expect([links.size, sfus.length, call.get().participants.length]).toEqual([0, 1, 2])
      session.leave()
      expect(sfus[0]?.closed).toBe(true)
    })
  })

  it('REQ-W1: says that no relay can be reached, until one is, or it is hidden', async () => {
    const { clock, server, session, call, join, link } = begin()
    server.enter('p-a')
    await join()
    link('p-a').become('connected')
    link('p-a').report.set('H', { type: 'local-candidate', candidateType: 'host' })
    link('p-a').iceErrors.push({ code: 701, transport: 'udp' } as never)
    await clock.advance(4000)
    expect(call.get().notes).toEqual([])
    await clock.advance(3000)
    expect(call.get().notes).toEqual(['turn-unreachable'])
    link('p-a').report.set('R', { type: 'local-candidate', candidateType: 'relay' })
    await clock.advance(1000)
    expect(call.get().notes).toEqual([])
    link('p-a').report.delete('R')
    await clock.advance(1000)
    session.hideNote('turn-unreachable')
    await clock.advance(5000)
    expect(call.get().notes).toEqual([])
  })

  it('REQ-W1, REQ-P24: says that the connection is slow, sends less, and says when it is over', async () => {
    const { clock, server, call, join, link } = begin()
    server.enter('p-a')
    await join()
    link('p-a').become('connected')
    const room = (bits: number, reason: string) => {
      link('p-a').report.set('T', { type: 'transport', selectedCandidatePairId: 'P' })
      link('p-a').report.set('P', { type: 'candidate-pair', availableOutgoingBitrate: bits })
      link('p-a').report.set('O', { type: 'outbound-rtp', qualityLimitationReason: reason })
    }
    room(2e6, 'none')
    await clock.advance(3000)
    const before = link('p-a').limits.at(-1)
    room(4e5, 'bandwidth')
    await clock.advance(2000)
    expect(call.get().notes).toEqual(['low-bandwidth'])
    expect(link('p-a').limits.at(-1)?.scaleResolutionDownBy).toBeGreaterThan(
      before?.scaleResolutionDownBy ?? Infinity,
    )
    // What is sent takes what there is room for.
    let bytesSent = 0
    for (let second = 0; second < 10; second++) {
      room(4e5, 'none')
      bytesSent += 45_000
      Object.assign(link('p-a').report.get('T') ?? {}, { bytesSent })
      await clock.advance(1000)
    }
    expect(call.get().notes).toEqual(['low-bandwidth'])
    // Little is sent, so little room is looked for: a larger picture is tried, and holds.
    room(4e5, 'none')
    Object.assign(link('p-a').report.get('T') ?? {}, { bytesSent })
    await clock.advance(8000)
    expect(link('p-a').limits.at(-1)).toMatchObject({ scaleResolutionDownBy: 1 })
    expect(call.get().notes).toEqual(['low-bandwidth'])
    await clock.advance(4000)
    expect(call.get().notes).toEqual([])
  })

  it('REQ-P24: Feature: webrtc-improvements, Property 24: whenever less than 500 kbps are left, a smaller picture is sent within 2 s', async () => {
    const slow = fc.record({ afterMs: fc.integer({ min: 2000, max: 20_000 }), kbps: fc.nat(499) })
    await fc.assert(
      fc.asyncProperty(slow, fc.boolean(), async ({ afterMs, kbps }, onSfu) => {
        const { clock, server, join, links, sfuLinks, sfus } = begin()
        if (onSfu) server.media = { mode: 'sfu', engine: 'LiveKit', token: 'sfu-token' }
        server.enter('p-a')
        await join()
        const link = (onSfu ? sfuLinks : links).get('p-a')
        link?.become('connected')
        const room = (kbit: number, reason: string) =>
          link?.report
            .set('T', { type: 'transport', selectedCandidatePairId: 'P' })
            .set('P', { type: 'candidate-pair', availableOutgoingBitrate: kbit * 1000 })
            .set('O', { type: 'outbound-rtp', qualityLimitationReason: reason })
        room(2000, 'none')
        await clock.advance(afterMs)
        const sides = () =>
          onSfu ? (sfus[0]?.levels.at(-1) ?? 0) : link?.limits.at(-1)?.scaleResolutionDownBy
        const before = sides() ?? Infinity
        room(kbps, 'bandwidth')
        await clock.advance(2000)
        expect(sides()).toBeGreaterThan(before)
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P24: says no more that the connection is slow once whom little got through to has left', async () => {
    const { clock, server, call, join, link } = begin()
    server.enter('p-a')
    await join()
    link('p-a').become('connected')
    link('p-a').report.set('T', { type: 'transport', selectedCandidatePairId: 'P' })
    link('p-a').report.set('P', { type: 'candidate-pair', availableOutgoingBitrate: 4e5 })
    link('p-a').report.set('O', { type: 'outbound-rtp', qualityLimitationReason: 'bandwidth' })
    await clock.advance(12_000)
    expect(call.get().notes).toEqual(['low-bandwidth'])
    link('p-a').become('reconnecting')
    server.exit('p-a')
    expect(call.get().notes).toEqual([])
  })

  it('REQ-K5: tells the server why a link is relayed, and when it is over', async () => {
    const { join, server, links, clock } = begin()
    server.enter('p-1')
    await join()
    const link = links.get('p-1')
    link?.become('connected')
    link?.report.set('T', { type: 'transport', selectedCandidatePairId: 'P' })
    link?.report.set('P', { type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' })
    link?.report.set('L', { type: 'local-candidate', candidateType: 'relay', relayProtocol: 'tcp' })
    link?.report.set('R', { type: 'remote-candidate', candidateType: 'host' })
    await clock.advance(3000)
    expect(server.reports).toMatchObject([{ peer: 'p-1', policy: 'all', ended: false }])
    link?.become('reconnecting')
    server.exit('p-1')
    await settle()
    expect(server.reports).toMatchObject([{}, { link: 0, peer: 'p-1', ended: true }])
  })
})
