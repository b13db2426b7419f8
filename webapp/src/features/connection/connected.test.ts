import { EventEmitter } from 'node:events'
import { describe, expect, it } from '@jest/globals'
import { TestClock } from '../../testing/TestClock.ts'
import { type ClientSocket, connected } from './connected.ts'

/** A socket without a network. */
class FakeSocket extends EventEmitter {
  connected = false
  connects = 0
  disconnects = 0
  connect() {
    this.connects++
  }
  disconnect() {
    this.disconnects++
  }
}

function bring() {
  const [clock, socket] = [new TestClock(), new FakeSocket()]
  const done = connected(socket as unknown as ClientSocket, clock).then(
    () => 'connected',
    ({ code }) => code,
  )
  return { clock, socket, done }
}

describe('a socket that is brought up', () => {
  it('REQ-W1: is up, or is not, and leaves nothing behind', async () => {
    const ends: [string, unknown, string][] = [
      ['connect', undefined, 'connected'],
      ['connect_error', new Error('websocket error'), 'offline'],
      ['connect_error', { data: { code: 'token-expired', message: 'x' } }, 'token-expired'],
    ]
    for (const [event, said, code] of ends) {
      const { clock, socket, done } = bring()
      socket.emit(event, said)
      expect(await done).toBe(code)
      await clock.advance(60_000)
      expect([socket.eventNames(), socket.connects, socket.disconnects]).toEqual([[], 1, 0])
    }
  })

  it('REQ-W1: whose connection ends before the server has taken the token is not waited for', async () => {
    const { socket, done } = bring()
    socket.emit('disconnect', 'transport close')
    expect(await done).toBe('offline')
  })

  it('REQ-W1: whose connection was made ahead, and is dead, is given up, so that the next try makes another', async () => {
    const { clock, socket, done } = bring()
    await clock.advance(10_000)
    expect(await done).toBe('offline')
    expect([socket.eventNames(), socket.disconnects]).toEqual([[], 1])
  })

  it('that is up is left as it is', async () => {
    const socket = new FakeSocket()
    socket.connected = true
    await connected(socket as unknown as ClientSocket, new TestClock())
    expect(socket.connects).toBe(0)
  })
})
