import {
  type MetricsClientEvents,
  type MetricsServerEvents,
  metricsNamespace,
  packedMetricsVersion,
} from '@parley/protocol'
import { io, type Socket } from 'socket.io-client'
import type { MetricsSocket } from './CallMonitor.ts'

/** Nobody waits for figures, and the call itself goes first: while it begins there is nothing to report either. */
const firstMs = 2000
const againMs = { least: 2000, most: 30_000 }

/** A socket of its own, so that nothing that happens to it happens to the call's. */
export function openMetricsSocket(onStart: () => void): MetricsSocket {
  let token = ''
  let version = 1
  let socket: Socket<MetricsServerEvents, MetricsClientEvents> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function connect() {
    socket ??= listen(
      io(metricsNamespace, {
        auth: (give) => give({ token }),
        autoConnect: false,
        forceNew: true,
        reconnectionDelay: againMs.least,
        reconnectionDelayMax: againMs.most,
        transports: ['websocket', 'polling'],
        tryAllTransports: true,
      }),
    )
    socket.connect()
  }

  function listen(made: NonNullable<typeof socket>) {
    made.on('connect', () => {
      // It may be another server.
      version = 1
      onStart()
    })
    made.on('meeting:metrics:reads', (said) => {
      version = said.version
    })
    made.on('meeting:metrics:full', onStart)
    made.on('connect_error', (error: Error & { data?: { code?: string } }) => {
      // What the network refuses is tried again by itself; what the server refuses is not.
      if (made.active || error.data?.code === 'unauthenticated') return
      timer = setTimeout(connect, againMs.most * (0.5 + Math.random() / 2))
    })
    return made
  }

  return {
    get connected() {
      return socket?.connected ?? false
    },
    get packs() {
      return version >= packedMetricsVersion
    },
    open(newest) {
      token = newest
      clearTimeout(timer)
      if (!socket?.connected) timer = setTimeout(connect, firstMs)
    },
    send: (message) => void socket?.emit('meeting:metrics', message),
    close() {
      clearTimeout(timer)
      socket?.disconnect()
      socket = undefined
    },
  }
}
