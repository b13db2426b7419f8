import {
  type Ack,
  type MetricsClientEvents,
  type MetricsServerEvents,
  metricsNamespace,
} from '@parley/protocol'
import { io, type Socket } from 'socket.io-client'
import { AdminRefusal, type AdminSocket, type AdminSocketEvents } from './AdminSession.ts'
import { adminHistory } from './adminShapes.ts'

const answerMs = 10_000

/** The namespace of metrics, as an admin hears it. */
export function openAdminSocket(token: () => string, events: AdminSocketEvents): AdminSocket {
  const socket: Socket<MetricsServerEvents, MetricsClientEvents> = io(metricsNamespace, {
    auth: (give) => give({ token: token() }),
    forceNew: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
  })

  async function subscribe() {
    events.onSubscribing()
    const answer = await socket
      .timeout(answerMs)
      .emitWithAck('admin:subscribe', {})
      .catch(() => undefined)
    if (answer?.ok) return events.onSnapshot(answer.data)
    if (!socket.connected) return
    // Refused, or nothing came: a new connection, with a new token, is the way out of both.
    events.onRefused()
  }

  socket.on('connect', () => void subscribe())
  socket.on('meeting:metrics:update', ({ updates }) => events.onUpdates(updates))
  socket.on('meeting:alerts', ({ alerts }) => events.onAlerts(alerts))
  socket.on('disconnect', (reason) => {
    events.onLost()
    if (reason === 'io server disconnect') events.onRefused()
  })
  socket.on('connect_error', () => {
    // What the network refuses is tried again by itself; what the server refuses is not.
    if (!socket.active) events.onRefused()
  })

  return {
    async history(meetingId, userId) {
      const answer: Ack<unknown> = await socket
        .timeout(answerMs)
        .emitWithAck('admin:history', { meetingId, userId })
      if (!answer.ok) throw new AdminRefusal(answer.error.code, answer.error.message)
      return adminHistory(answer.data)
    },
    close() {
      socket.off()
      socket.disconnect()
    },
  }
}
