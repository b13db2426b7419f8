/**
 * The baseline, a process of its own: Socket.IO with nothing else. `echo` is acknowledged with what it was; `relay`
 * goes to the room that it names, too; `meeting:metrics` is acknowledged and thrown away. Prints its address.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'

type Ack = (answer: unknown) => void
type Relayed = { to: string; signal: unknown }

const server = createServer()
const io = new Server(server, { serveClient: false, maxHttpBufferSize: 1_000_000 })
io.on('connection', async (socket) => {
  const { name } = socket.handshake.auth as { name?: string }
  if (name !== undefined) await socket.join(name)
  socket.on('echo', (message: unknown, ack: Ack) => ack(message))
  socket.on('relay', ({ to, signal }: Relayed, ack: Ack) => {
    io.to(to).emit('relay', { from: name, signal })
    ack({ ok: true, data: null })
  })
})
io.of('/meeting-metrics').on('connection', (socket) => {
  socket.on('meeting:metrics', (_message: unknown, ack: Ack) => ack({ ok: true, data: null }))
})
server.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
)
