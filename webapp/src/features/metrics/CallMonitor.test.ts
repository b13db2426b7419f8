import { beforeEach, describe, expect, it } from '@jest/globals'
import type { PageConfig, RoomSnapshot, UserMetrics } from '@parley/protocol'
import { CallMonitor } from './CallMonitor.ts'
import type { EngineRequest, EngineResult } from './MetricsEngine.ts'
import { initialMetrics, type MetricsState } from './metricsState.ts'

const room = { room: 'daily', resume: 'token' } as RoomSnapshot
const user: UserMetrics = {
  ...{ up: 1, down: 2, rtt: 3, min: 3, max: 3, loss: 0, jitter: 0, links: 1, relayed: 0 },
  ...{ tx: 0, rx: 0, back: 0 },
}
const result = (event?: EngineResult['event']): EngineResult => ({ links: [], user, event })
const settled = () => new Promise((resolve) => setImmediate(resolve))

let config: PageConfig['metrics']
let state: MetricsState
let posted: EngineRequest[]
let sent: unknown[]
let socket: { connected: boolean; packs: boolean; opened: string[]; closed: number }
let engines: number
let show: (result: EngineResult) => void
let start: () => void
let monitor: CallMonitor

beforeEach(() => {
  config = { statsMs: 1000, emitMs: 10_000 }
  state = initialMetrics
  posted = []
  sent = []
  socket = { connected: false, packs: false, opened: [], closed: 0 }
  engines = 0
  monitor = new CallMonitor({
    metrics: {
      get: () => state,
      set(patch) {
        state = { ...state, ...patch }
      },
    },
    config: async () => config,
    startEngine(onResult) {
      engines++
      show = onResult
      return { post: (request) => void posted.push(request), stop: () => void engines-- }
    },
    createSocket(onStart) {
      start = onStart
      return {
        get connected() {
          return socket.connected
        },
        get packs() {
          return socket.packs
        },
        open: (token) => void socket.opened.push(token),
        send: (message) => void sent.push(message),
        close: () => void socket.closed++,
      }
    },
    epochMs: () => 1_800_000_000_000.5,
  })
})

const readings = (atMs: number) => ({ atMs, links: [], sfu: undefined })

describe('monitoring of a call', () => {
  it('REQ-M8: where the server does not want it, nothing is read, reckoned, shown or sent', async () => {
    config = undefined
    monitor.entered(room)
    await settled()
    monitor.take(readings(0))
    expect({ posted, engines, opened: socket.opened }).toEqual({
      posted: [],
      engines: 0,
      opened: [],
    })
    expect(state).toEqual(initialMetrics)
  })

  it('REQ-M2, REQ-M5: each second a reading goes to the engine, and what that says to the server', async () => {
    monitor.take(readings(0))
    monitor.entered(room)
    await settled()
    expect(socket.opened).toEqual(['token'])
    monitor.take(readings(1000))
    // Somebody has asked for a reading in between.
    monitor.take(readings(1200))
    socket.connected = true
    start()
    monitor.take(readings(2000))
    expect(posted.map((one) => (one.kind === 'take' ? one.mayEmit : one.kind))).toEqual([
      'begin',
      false,
      'startOver',
      true,
    ])
    show(result({ n: 1, full: true, ...user }))
    show(result({ n: 2, up: 5 }))
    show(result())
    expect(sent).toEqual([
      { meetingId: 'daily', metrics: { n: 1, full: true, ...user }, timestamp: 1_800_000_000_001 },
      { metrics: { n: 2, up: 5 } },
    ])
    expect(state.user).toEqual(user)
  })

  it('REQ-M5: leaves out the names of fields where the server can do without', async () => {
    monitor.entered(room)
    await settled()
    socket.connected = true
    socket.packs = true
    show(result({ n: 1, full: true, ...user }))
    show(result({ n: 2, up: 5, rtt: null }))
    expect(sent.slice(1)).toEqual([{ metrics: [2, 5, 5, null] }])
    expect(sent[0]).toMatchObject({ metrics: { full: true } })
  })

  it('REQ-G4: a call that ends ends it, also one that ends while it is asked whether to begin', async () => {
    monitor.entered(room)
    monitor.left()
    await settled()
    expect(engines).toBe(0)
    monitor.entered(room)
    await settled()
    show(result())
    monitor.stop()
    show(result())
    expect({ engines, closed: socket.closed }).toEqual({ engines: 0, closed: 2 })
    expect(state).toEqual(initialMetrics)
  })
})
