import type { ClientToServerEvents, ServerToClientEvents } from '@parley/protocol'
import type { Socket } from 'socket.io-client'
import { type Clock, systemClock } from '../../clock.ts'
import { protocolError } from '../../protocolShapes.ts'
import { read } from '../../shape.ts'
import { SignalingError } from './Signaling.ts'

export type ClientSocket = Socket<ServerToClientEvents, ClientToServerEvents>

/** A connection may take its 5 s to be made, and the server as long to look at the token. */
const longestMs = 10_000

/**
 * Brings a socket up. That its connection ends before the server has taken the token, or was made ahead and is dead, is no
 * error to Socket.IO, and here it is one: whoever waits would wait for ever. The next try makes a new connection.
 * @throws {SignalingError}
 */
export function connected(socket: ClientSocket, clock: Clock = systemClock): Promise<void> {
  if (socket.connected) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      cancel()
      socket.off('connect', established)
      socket.off('connect_error', refused)
      socket.off('disconnect', ended)
      end()
    }
    const fail = (error: SignalingError) => settle(() => reject(error))
    const established = () => settle(resolve)
    const refused = (error: Error & { data?: unknown }) => fail(asError(error))
    const ended = () => fail(new SignalingError('offline', 'the connection ended too soon'))
    const cancel = clock.after(longestMs, () => {
      socket.disconnect()
      fail(new SignalingError('offline', 'the signaling server does not answer'))
    })
    socket.on('connect', established)
    socket.on('connect_error', refused)
    socket.on('disconnect', ended)
    socket.connect()
  })
}

function asError(error: Error & { data?: unknown }): SignalingError {
  const refused = read(protocolError, error.data)
  return refused
    ? new SignalingError(refused.code, refused.message)
    : new SignalingError('offline', error.message)
}
