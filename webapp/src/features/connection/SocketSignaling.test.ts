import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import type { Ack } from '@parley/protocol'
import { settle, TestClock } from '../../testing/TestClock.ts'
import type { ClientSocket } from './connected.ts'
import type { SignalingEvents } from './Signaling.ts'
import { SocketSignaling } from './SocketSignaling.ts'

type Answer = (answer: Ack<unknown>) => void

/** A socket whose server a test plays. */
class FakeSocket {
  connected = false
  readonly asked: { event: string; answer: Answer }[] = []
  readonly #own = new EventEmitter()
  #any: ((name: string, message: unknown) => void) | undefined
  on = (name: string, run: (...args: unknown[]) => void) => void this.#own.on(name, run)
  off = (name: string, run: (...args: unknown[]) => void) => void this.#own.off(name, run)
  onAny = (run: (name: string, message: unknown) => void) => {
    this.#any = run
  }
  offAny = () => {
    this.#any = undefined
  }
  removeAllListeners = () => void this.#own.removeAllListeners()
  connect = () => {}
  emit = (event: string, _message: unknown, answer: Answer) =>
    void this.asked.push({ event, answer })
  disconnect() {
    this.end('io client disconnect')
  }
  /** @param reason as Socket.IO has it */
  end(reason: string) {
    const before = this.connected
    this.connected = false
    if (before) this.#own.emit('disconnect', reason)
  }
  begin() {
    this.connected = true
    this.#own.emit('connect')
  }
  say = (name: string, message: unknown) => this.#any?.(name, message)
  answer = (data: unknown) => this.asked.shift()?.answer({ ok: true, data })
}

function open() {
  const sockets: FakeSocket[] = []
  const told: string[] = []
  const events = {
    onDisconnect: () => told.push('disconnect'),
    onHandedOver: () => told.push('handed over'),
    onReplaced: () => told.push('replaced'),
    onLeft: (id: string) => told.push(`${id} left`),
    onEvent: () => {},
  } as Partial<SignalingEvents> as SignalingEvents
  const make = () => {
    const socket = new FakeSocket()
    sockets.push(socket)
    return socket as unknown as ClientSocket
  }
  const clock = new TestClock()
  const signaling = new SocketSignaling('token', events, make, clock)
  sockets[0]?.begin()
  return { signaling, sockets: sockets as [FakeSocket, FakeSocket, FakeSocket], told, clock }
}

/** A call whose socket was given up while the next one asked for the seat; a third one is connected. */
async function givenUp() {
  const one = open()
  one.sockets[0].say('session:move', { resume: 'next' })
  one.sockets[1].begin()
  await settle()
  one.signaling.drop()
  one.sockets[2].begin()
  return one
}

describe('SocketSignaling', () => {
  afterEach(() => void jest.useRealTimers())

  it('REQ-W1: looks for the way back over three sockets at most, and takes the first that has one', async () => {
    jest.useFakeTimers()
    const { signaling, sockets, told } = open()
    const joined = signaling.join({ audio: true, video: true })
    sockets[0].answer({ resume: 'next' })
    await joined
    sockets[0].end('transport close')
    const back = signaling.connect()
    await jest.advanceTimersByTimeAsync(4500)
    expect(sockets).toHaveLength(3)
    sockets[2].begin()
    await back
    await jest.advanceTimersByTimeAsync(4500)
    expect(sockets.map(({ connected }) => connected)).toEqual([false, false, true])
    sockets[2].say('participant:left', { id: 'a' })
    expect(told).toEqual(['disconnect', 'a left'])
    signaling.close()
  })

  it('REQ-K7: moves to another server before it leaves the one that asked for it', async () => {
    const { sockets, told } = open()
    sockets[0].say('session:move', { resume: 'next' })
    sockets[1].begin()
    await settle()
    sockets[0].say('participant:left', { id: 'a' })
    sockets[1].answer({ resume: 'later' })
    await settle()
    sockets[0].say('participant:left', { id: 'b' })
    sockets[1].say('participant:left', { id: 'c' })
    expect(told).toEqual(['a left', 'handed over', 'c left'])
    expect(sockets.map(({ connected }) => connected)).toEqual([false, true])
  })

  it('REQ-W1: a socket that is given up while it moves leaves none beside the one that is opened in its place', async () => {
    const { signaling, sockets, told } = open()
    sockets[0].say('session:move', { resume: 'next' })
    sockets[1].begin()
    await settle()
    signaling.drop()
    sockets[2].begin()
    sockets[1].answer({ resume: 'later' })
    await settle()
    expect(sockets.map(({ connected }) => connected)).toEqual([false, false, true])
    sockets[2].say('participant:left', { id: 'a' })
    expect(told).toEqual(['a left'])
    // Whether the new one lasts is of interest again.
    sockets[2].end('transport close')
    expect(told).toEqual(['a left', 'disconnect'])
  })

  it('REQ-W1: whose seat a join of its own takes late comes back, once', async () => {
    const { sockets, told, signaling } = await givenUp()
    sockets[1].answer({ resume: 'later' })
    await settle()
    sockets[2].say('session:replaced', undefined)
    sockets[2].end('io server disconnect')
    expect(told).toEqual(['disconnect'])
    sockets[2].begin()
    sockets[2].say('session:replaced', undefined)
    expect(told).toEqual(['disconnect', 'replaced'])
    signaling.close()
  })

  it('REQ-W1: of joins that nobody answers, however many, those are remembered that may still come', async () => {
    const { sockets, signaling, clock } = open()
    for (let index = 0; index < 100; index++) {
      if (index > 0) sockets[index]?.begin()
      signaling.join({ audio: true, video: true }).catch(() => {})
      signaling.drop()
      await clock.advance(10_000)
    }
    expect(signaling.lateJoins).toBe(5)
    signaling.close()
  })

  it('REQ-W1: so does whose seat the join of a socket takes late that was given up', async () => {
    const { sockets, told, signaling } = open()
    const media = { audio: true, video: true }
    const first = signaling.join(media)
    signaling.drop()
    sockets[1].begin()
    const second = signaling.join(media)
    sockets[1].answer({ resume: 'later' })
    await second
    sockets[1].say('session:replaced', undefined)
    sockets[1].end('io server disconnect')
    expect(told).toEqual(['disconnect'])
    sockets[0].answer({ resume: 'late' })
    await first
    sockets[1].say('session:replaced', undefined)
    expect(told).toEqual(['disconnect', 'replaced'])
    signaling.close()
  })

  it('REQ-W1: a join that was answered over its socket at the second try takes the seat from nobody', async () => {
    const { sockets, told, signaling } = open()
    const media = { audio: true, video: true }
    const tries = [signaling.join(media), signaling.join(media)]
    const [lost, answered] = sockets[0].asked
    answered?.answer({ ok: true, data: { resume: 'later' } })
    await tries[1]
    signaling.drop()
    sockets[1].begin()
    sockets[1].say('session:replaced', undefined)
    expect(told).toEqual(['replaced'])
    lost?.answer({ ok: false, error: { code: 'not-joined', message: '' } })
    await expect(tries[0]).rejects.toThrow()
    signaling.close()
  })

  it('REQ-W1: a join that its server cannot have any more takes no seat', async () => {
    const { sockets, told, clock, signaling } = await givenUp()
    await clock.advance(50_000)
    sockets[2].say('session:replaced', undefined)
    expect(told).toEqual(['replaced'])
    sockets[1].answer({ resume: 'later' })
    signaling.close()
  })

  it.each([
    ['answered', { ok: true, data: { resume: 'later' } } as const],
    ['refused', { ok: false, error: { code: 'room-full', message: '' } } as const],
  ])('REQ-W1: a join that was %s takes the seat from nobody later', async (_, answer) => {
    const { sockets, told, signaling } = open()
    sockets[0].say('session:move', { resume: 'next' })
    sockets[1].begin()
    await settle()
    sockets[1].asked.shift()?.answer(answer)
    await settle()
    if (!answer.ok) signaling.drop()
    told.length = 0
    sockets[answer.ok ? 1 : 2].say('session:replaced', undefined)
    expect(told).toEqual(['replaced'])
    signaling.close()
  })
})
