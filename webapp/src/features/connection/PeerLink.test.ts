import { describe, expect, it, jest } from '@jest/globals'
import type { Signal } from '@parley/protocol'
import fc from 'fast-check'
import { FakeConnection } from '../../testing/FakeConnection.ts'
import { FakeNetwork } from '../../testing/FakeNetwork.ts'
import { settle, TestClock } from '../../testing/TestClock.ts'
import { readLinkStats, rowsOf } from './linkStats.ts'
import { type LinkState, PeerLink } from './PeerLink.ts'
import { backoff } from './ReconnectPolicy.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

/** Two participants and what lies between them. */
function meet(iceServers: RTCIceServer[] = []) {
  const clock = new TestClock()
  const network = new FakeNetwork()
  const server = { up: true, deaf: false, delayMs: 0, loses: () => false }
  /** Ends whose browser takes nothing more for the connection that they have. */
  const broken = new Set<FakeConnection>()
  const latest: Record<string, FakeConnection> = {}
  const log: { at: number; end: string; what: LinkState | 'offer' | 'restart' | 'made' }[] = []
  /** As each end last said. */
  const drawn: Record<string, LinkState> = {}
  const errors: unknown[] = []
  const links: Record<string, PeerLink> = {}
  const join = (selfId: string, peerId: string) => {
    let delivery: Promise<unknown> = Promise.resolve()
    links[selfId] = new PeerLink({
      selfId,
      peerId,
      clock,
      policy: backoff({ firstMs: 0, stepMs: 2000, maxMs: 8000, attempts: 9, random: () => 0.5 }),
      configuration: { iceServers },
      tracks: { audio: null, video: null },
      createConnection: (configuration) => {
        const connection = network.add(new FakeConnection(configuration))
        log.push({ at: clock.now(), end: selfId, what: 'made' })
        latest[selfId] = connection
        const take = connection.setRemoteDescription.bind(connection)
        connection.setRemoteDescription = async (description) => {
          if (broken.has(connection)) throw new Error('OperationError')
          await take(description)
        }
        const restartIce = connection.restartIce.bind(connection)
        connection.restartIce = () => {
          log.push({ at: clock.now(), end: selfId, what: 'restart' })
          restartIce()
        }
        return connection
      },
      send: (signal: Signal) => {
        if ('description' in signal && signal.description.type === 'offer')
          log.push({ at: clock.now(), end: selfId, what: 'offer' })
        if (!server.up || server.deaf || server.loses()) return
        const arrived =
          server.delayMs > 0 && new Promise<void>((done) => clock.after(server.delayMs, done))
        delivery = Promise.all([delivery, arrived]).then(() => links[peerId]?.receive(signal))
      },
      signalingUp: () => server.up,
      onState: (what) => {
        drawn[selfId] = what
        log.push({ at: clock.now(), end: selfId, what })
      },
      onConnectionState: () => {},
      onTrack: () => {},
      onError: (error) => errors.push(error),
    })
  }
  join('a', 'b')
  join('b', 'a')
  const both = () => Object.values(links)
  const breakEnd = (id: string) => {
    const connection = latest[id]
    if (connection) broken.add(connection)
  }
  return { clock, network, server, log, drawn, errors, both, join, breakEnd }
}

const states = (links: PeerLink[]) => links.map(({ state }) => state)

describe('PeerLink', () => {
  it('connects: the smaller id leads with the one offer that is needed', async () => {
    const { clock, log, errors, both } = meet()
    await clock.advance(100)
    expect(states(both())).toEqual(['connected', 'connected'])
    expect(log.filter(({ what }) => what === 'offer')).toEqual([{ at: 0, end: 'a', what: 'offer' }])
    await clock.advance(60_000)
    expect(log.filter(({ what }) => what === 'reconnecting' || what === 'restart')).toEqual([])
    expect(errors).toEqual([])
  })

  it('REQ-M1, REQ-K5: whose candidate the other end has not heard of is known to be relayed nevertheless', async () => {
    const { clock, network, both } = meet()
    const report = (local: string, remote: string) =>
      new Map<string, unknown>([
        ['T', { type: 'transport', selectedCandidatePairId: 'P' }],
        ['P', { type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' }],
        ['L', { type: 'local-candidate', candidateType: local }],
        ['R', { type: 'remote-candidate', candidateType: remote }],
      ]) as unknown as RTCStatsReport
    const [ofA, ofB] = network.connections
    if (ofA) ofA.getStats = async () => report('relay', 'host')
    if (ofB) ofB.getStats = async () => report('host', 'prflx')
    await clock.advance(100)
    const relayed = () =>
      Promise.all(both().map(async (link) => readLinkStats(rowsOf(await link.stats())).usingRelay))
    expect(await relayed()).toEqual([true, true])
    // It is not said of the path that takes its place.
    if (ofA) ofA.getStats = async () => report('host', 'host')
    await relayed()
    expect(await relayed()).toEqual([false, false])
  })

  it('REQ-M1: what is read of a link whose screen is received without sound has the path, and not the screen', async () => {
    const { clock, network, both } = meet()
    await clock.advance(100)
    const [ofA] = network.connections
    const screen = { id: 'S' } as MediaStreamTrack
    if (ofA)
      ofA.getStats = async () =>
        new Map<string, unknown>([
          ['T', { type: 'transport', bytesSent: 7 }],
          ['V', { type: 'inbound-rtp', framesDecoded: 5, trackIdentifier: 'C' }],
          ['W', { type: 'inbound-rtp', framesDecoded: 9, trackIdentifier: 'S' }],
        ]) as unknown as RTCStatsReport
    const [a] = both()
    if (a) a.tracks.screen = screen
    const read = a && readLinkStats(rowsOf(await a.stats()))
    expect(read).toMatchObject({ framesDecoded: 5, transport: { bytesSent: 7 } })
  })

  it('REQ-P2: Feature: webrtc-improvements, Property 2: where the direct path fails, TURN is tried before failure is declared', async () => {
    const turn = { urls: ['turn:192.0.2.1'], username: 'u', credential: 'c' }
    await fc.assert(
      fc.asyncProperty(
        // From the start on, or lost in the middle of the call.
        fc.integer({ min: 0, max: 20_000 }),
        fc.constantFrom('disconnected' as const, 'failed' as const, 'silence' as const),
        // New credentials come at any moment.
        fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 4 }),
        async (after, how, renewals) => {
          const { clock, network, log, both } = meet([turn])
          for (const at of renewals)
            clock.after(at, () => {
              for (const link of both()) link.setIceServers([{ ...turn, username: String(at) }])
            })
          if (after === 0) network.relayOnly = true
          await clock.advance(after)
          network.relayOnly = true
          network.cutPaths()
          if (how !== 'silence') network.report(how)
          await clock.advance(30_000)
          expect(states(both())).toEqual(['connected', 'connected'])
          expect(log.filter(({ what }) => what === 'failed')).toEqual([])
          for (const { configuration, closed } of network.connections)
            if (!closed) expect(configuration.iceServers?.[0]?.urls).toEqual(turn.urls)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('REQ-P6: Feature: webrtc-improvements, Property 6: what becomes of a path is the state that is drawn within 100 ms', async () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 1000, max: 8000 }),
      how: fc.constantFrom('disconnected' as const, 'failed' as const),
      backAfterMs: fc.integer({ min: 0, max: 4000 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
        const { clock, network, both, drawn } = meet()
        await clock.advance(100)
        for (const { waitMs, how, backAfterMs } of steps) {
          await clock.advance(waitMs)
          network.down = true
          network.cutPaths()
          network.report(how)
          await clock.advance(99)
          expect(drawn).toEqual({ a: 'reconnecting', b: 'reconnecting' })
          await clock.advance(backAfterMs)
          network.heal()
          const found = () => both().every(({ connectionState }) => connectionState === 'connected')
          for (let waitedMs = 0; !found() && waitedMs < 60_000; waitedMs += 10)
            await clock.advance(10)
          expect(found()).toBe(true)
          await clock.advance(99)
          expect(drawn).toEqual({ a: 'connected', b: 'connected' })
        }
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P7: Feature: webrtc-improvements, Property 7: a lost path starts a reconnection within 1 s', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 100, max: 20_000 }),
        fc.constantFrom('disconnected' as const, 'failed' as const, 'silence' as const),
        async (after, how) => {
          const { clock, network, log, both, errors } = meet()
          await clock.advance(after)
          expect(states(both())).toEqual(['connected', 'connected'])

          network.cutPaths()
          if (how !== 'silence') network.report(how)
          const cutAt = clock.now()
          await clock.advance(1000)
          for (const end of ['a', 'b'])
            expect(log.some((entry) => entry.end === end && entry.what === 'reconnecting')).toBe(
              true,
            )
          const restart = log.find(({ what }) => what === 'restart')
          expect(restart?.at).toBeGreaterThanOrEqual(cutAt)
          expect(restart?.at).toBeLessThanOrEqual(cutAt + 1000)

          await clock.advance(4000)
          expect(states(both())).toEqual(['connected', 'connected'])
          expect(errors).toEqual([])
        },
      ),
      { numRuns: 100 },
    )
  })

  it('REQ-P9: Feature: webrtc-improvements, Property 9: no peer connection is tried while the socket is down', async () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 5000 }),
      event: fc.constantFrom(
        'socket down',
        'socket up',
        'disconnected',
        'failed',
        'silence',
        'asked',
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const { clock, network, server, log, both } = meet()
        await clock.advance(100)
        const up = () => {
          server.up = true
          for (const link of both()) link.signalingRestored()
        }
        const downs: [number, number][] = []
        let downSince: number | undefined
        for (const { wait, event } of steps) {
          if (event === 'socket down') {
            server.up = false
            downSince ??= clock.now()
          } else if (event === 'socket up') {
            if (downSince !== undefined) downs.push([downSince, clock.now()])
            downSince = undefined
            up()
          } else if (event === 'asked') {
            for (const link of both()) link.retry()
          } else {
            network.cutPaths()
            if (event !== 'silence') network.report(event as 'failed')
          }
          await clock.advance(wait)
        }
        if (downSince !== undefined) downs.push([downSince, clock.now()])
        for (const { at, what } of log)
          if (what === 'restart' || what === 'made')
            for (const [from, to] of downs) expect(at > from && at < to).toBe(false)

        // And none is forgotten: with the socket back, all of them come back.
        up()
        await clock.advance(30_000)
        expect(states(both())).toEqual(['connected', 'connected'])
      }),
      { numRuns: 150 },
    )
  })

  it('REQ-K8, W1: whatever is lost between them, and whichever browser takes nothing more, two pages meet in the end, by themselves', async () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 60_000 }),
      what: fc.constantFrom(
        'signals lost',
        'signals back',
        'path lost',
        'a breaks',
        'b breaks',
        'network down',
      ),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 6 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(0, 500, 5000),
        async (steps, lost, delayMs) => {
          const { clock, network, server, both, breakEnd } = meet()
          server.delayMs = delayMs
          let sent = 0
          server.loses = () => lost[sent++ % lost.length] ?? false
          for (const { waitMs, what } of steps) {
            if (what === 'signals lost') server.deaf = true
            else if (what === 'signals back') server.deaf = false
            else if (what === 'network down') network.down = true
            else if (what === 'path lost') {
              network.cutPaths()
              network.report('disconnected')
            } else breakEnd(what === 'a breaks' ? 'a' : 'b')
            await clock.advance(waitMs)
          }
          server.deaf = false
          server.loses = () => false
          network.heal()
          const within = clock.now() + 300_000
          while (clock.now() < within && both().some(({ state }) => state !== 'connected'))
            await clock.advance(1000)
          expect(states(both())).toEqual(['connected', 'connected'])
        },
      ),
      { numRuns: 150 },
    )
  })

  it('REQ-P7, W2: whatever cuts it, and whichever camera is chosen meanwhile, each end sends its picture in the end', async () => {
    const step = fc.record({
      waitMs: fc.constantFrom(0, 50, 300, 800, 900, 1500, 5000, 20_000),
      what: fc.constantFrom('silence', 'disconnected', 'failed', 'down', 'up', 'camera'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
        const { clock, network, both } = meet()
        let camera = { kind: 'video', id: '0' } as MediaStreamTrack
        const choose = (id: string) => {
          camera = { kind: 'video', id } as MediaStreamTrack
          for (const link of both()) link.setTracks({ audio: null, video: camera })
        }
        choose('first')
        for (const [index, { waitMs, what }] of steps.entries()) {
          if (what === 'camera') choose(String(index))
          else if (what === 'up') network.heal()
          else {
            if (what === 'down') network.down = true
            else network.cutPaths()
            if (what === 'disconnected' || what === 'failed') network.report(what)
          }
          await clock.advance(waitMs)
        }
        network.heal()
        const within = clock.now() + 300_000
        while (clock.now() < within && both().some(({ state }) => state !== 'connected'))
          await clock.advance(1000)
        await clock.advance(2000)
        expect(states(both())).toEqual(['connected', 'connected'])
        const sent = network.connections.filter(({ closed }) => !closed)
        expect(sent.map((one) => one.camera.sender.track)).toEqual([camera, camera])
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P7, W2: while it is cut, neither end sends a picture', async () => {
    const { clock, network, both } = meet()
    const camera = { kind: 'video' } as MediaStreamTrack
    for (const link of both()) link.setTracks({ audio: null, video: camera })
    const sent = () => network.connections.map((one) => one.camera.sender.track)
    await clock.advance(5000)
    expect(sent()).toEqual([camera, camera])
    network.down = true
    await clock.advance(1000)
    expect(sent()).toEqual([null, null])
    network.heal()
    await clock.advance(200)
    expect(sent()).toEqual([camera, camera])
  })

  it('an offer that is never answered is one of another connection after half a minute', async () => {
    const { clock, network, both, breakEnd } = meet()
    breakEnd('b')
    await clock.advance(29_000)
    expect(network.connections).toHaveLength(2)
    await clock.advance(10_000)
    expect(network.connections.length).toBeGreaterThan(2)
    expect(states(both())).toEqual(['connected', 'connected'])
  })

  it('what is offered over a way that is slower than its tries, a screen say, is agreed on', async () => {
    const { clock, network, server, both, errors } = meet()
    await clock.advance(100)
    server.delayMs = 5000
    for (const connection of [...network.connections]) {
      connection.change()
      await clock.advance(15_000)
      expect(connection.settled).toBe(true)
      expect(states(both())).toEqual(['connected', 'connected'])
    }
    expect(errors).toEqual([])
  })

  it('replaces a connection that restarts cannot revive, and the other end follows', async () => {
    const { clock, network, both } = meet()
    await clock.advance(100)
    network.cutPaths()
    network.down = true
    await clock.advance(15_000)
    expect(network.connections.length).toBeGreaterThan(2)
    network.heal()
    await clock.advance(10_000)
    expect(states(both())).toEqual(['connected', 'connected'])
  })

  it('REQ-P7: after a long cut is back as soon as the socket of the one who was cut is', async () => {
    for (const cut of ['a', 'b'] as const) {
      const { clock, network, server, both } = meet()
      await clock.advance(100)
      network.cutPaths()
      network.down = true
      // Nothing that is sent arrives, though no socket is known to be lost.
      server.deaf = true
      await clock.advance(30_000)
      network.heal()
      server.deaf = false
      const [a, b] = both()
      if (cut === 'a') a?.signalingRestored()
      else b?.signalingRestored()
      if (cut === 'a') b?.peerReturned()
      else a?.peerReturned()
      await clock.advance(500)
      expect(states(both())).toEqual(['connected', 'connected'])
    }
  })

  it('of two ends that lose their path at once, the one that leads offers, and the other only where nothing comes of it', async () => {
    const { clock, network, server, log, both } = meet()
    await clock.advance(100)
    network.cutPaths()
    network.report('disconnected')
    server.deaf = true
    await clock.advance(2900)
    const offered = () => log.filter(({ what, at }) => what === 'offer' && at > 0)
    expect(new Set(offered().map(({ end }) => end))).toEqual(new Set(['a']))
    await clock.advance(2000)
    expect(offered().map(({ end }) => end)).toContain('b')
    server.deaf = false
    await clock.advance(20_000)
    expect(states(both())).toEqual(['connected', 'connected'])
  })

  it('the end that follows makes no offer of its own while it hears the one that leads', async () => {
    const { clock, network, server, log, both } = meet()
    await clock.advance(100)
    // So slow that the other's lead is over before its answer is there.
    server.delayMs = 2500
    network.cutPaths()
    network.report('disconnected')
    await clock.advance(8000)
    expect(states(both())).toEqual(['connected', 'connected'])
    expect(log.filter(({ what, end }) => what === 'offer' && end === 'b')).toEqual([])
  })

  it('a path that comes back by itself leaves no offer unanswered', async () => {
    const { clock, network, server, both } = meet()
    await clock.advance(100)
    network.down = true
    server.deaf = true
    await clock.advance(2000)
    expect(states(both())).toEqual(['reconnecting', 'reconnecting'])
    network.heal()
    server.deaf = false
    await clock.advance(300)
    expect(states(both())).toEqual(['connected', 'connected'])
    await clock.advance(5000)
    expect(network.connections.map(({ signalingState }) => signalingState)).toEqual([
      'stable',
      'stable',
    ])
    expect(states(both())).toEqual(['connected', 'connected'])
  })

  it('what is offered while the server is away, a screen say, is offered again when it is back', async () => {
    const { clock, network, server, both } = meet()
    await clock.advance(100)
    for (const connection of [...network.connections]) {
      server.up = false
      connection.change()
      await clock.advance(10_000)
      expect(connection.settled).toBe(false)
      server.up = true
      for (const link of both()) link.signalingRestored()
      await clock.advance(5000)
      expect(connection.settled).toBe(true)
      expect(states(both())).toEqual(['connected', 'connected'])
    }
  })

  it('waits for an answer that is on its way: what is offered meanwhile is the same again', async () => {
    const { clock, network, server, both, errors } = meet()
    // An answer after 18 s, as of a page that is kept from its work; tries begin after 10 s.
    server.delayMs = 9000
    await clock.advance(40_000)
    expect(states(both())).toEqual(['connected', 'connected'])
    expect(network.connections).toHaveLength(2)
    expect(errors).toEqual([])
  })

  it('gives up in the end, and starts over when asked', async () => {
    const { clock, network, both } = meet()
    await clock.advance(100)
    network.cutPaths()
    network.down = true
    await clock.advance(150_000)
    expect(states(both())).toEqual(['failed', 'failed'])
    network.down = false
    for (const link of both()) link.retry()
    await clock.advance(15_000)
    expect(states(both())).toEqual(['connected', 'connected'])
  })

  it('goes on trying now and then after it has said that it gave up', async () => {
    const { clock, network, log, both } = meet()
    await clock.advance(100)
    network.cutPaths()
    network.down = true
    await clock.advance(300_000)
    const told = () => log.filter(({ what }) => !/offer|restart|made/.test(what)).length
    const before = told()
    await clock.advance(300_000)
    expect(states(both())).toEqual(['failed', 'failed'])
    expect(told()).toBe(before)
    // Nothing that was agreed on so far helps.
    network.cutPaths()
    network.heal()
    await clock.advance(30_000)
    expect(states(both())).toEqual(['connected', 'connected'])
  })

  it('takes over when the other end began anew under the same id', async () => {
    for (const [self, other] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const { clock, both, join, log } = meet()
      await clock.advance(100)
      both()[self === 'a' ? 0 : 1]?.close()
      join(self, other)
      await clock.advance(12_000)
      expect(states(both())).toEqual(['connected', 'connected'])
      expect(log.filter(({ what }) => what === 'failed')).toEqual([])
    }
  })

  it('uses new ICE servers for the present connection and for the next', async () => {
    const { clock, network, both } = meet()
    await clock.advance(100)
    const iceServers = [{ urls: ['turn:192.0.2.1'], username: 'u', credential: 'c' }]
    for (const link of both()) link.setIceServers(iceServers)
    expect(network.connections.map(({ configuration }) => configuration.iceServers)).toEqual([
      iceServers,
      iceServers,
    ])
  })

  it('is still after close', async () => {
    const { clock, network, both, log } = meet()
    await clock.advance(100)
    for (const link of both()) link.close()
    const before = log.length
    for (const link of both()) {
      link.receive({ description: { type: 'offer', sdp: 'a={}' } })
      link.signalingRestored()
      link.retry()
      link.peerReturned()
    }
    await settle()
    await clock.advance(60_000)
    expect(log.length).toBe(before)
    expect(network.connections.every(({ closed }) => closed)).toBe(true)
  })
})
