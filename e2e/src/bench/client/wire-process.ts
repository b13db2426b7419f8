/** The middle of a {@link Wire}, in a process of its own: nothing else delays what it holds. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { datagramIn, fillChecksum } from './frames.ts'
import { type Carried, PORTS, type Shape, type ToLine, UNDERLAY } from './wire.ts'

// The browsers take all that they can get of the processors, and what they take from here would be delay.
setPriority(constants.priority.PRIORITY_HIGHEST)

let shape: Shape = { delayMs: 0, loss: 0 }

const nothing = (): Carried => ({ bytes: 0, lostBytes: 0, rtp: 0, lost: 0, heldMs: 0, held: 0 })
const carried = { up: nothing(), down: nothing() }

const [space, bridge] = await Promise.all([listen(PORTS.space), listen(PORTS.bridge)])
carry(space, bridge, PORTS.bridge, carried.up)
carry(bridge, space, PORTS.space, carried.down)

process.on('message', (message: ToLine) => {
  if (message === 'account') process.send?.({ atMs: Date.now(), ...carried })
  else shape = message.shape
})
process.on('disconnect', () => process.exit())
process.send?.('ready')

async function listen(port: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 })
  socket.bind(port, UNDERLAY.near)
  await once(socket, 'listening')
  return socket
}

function carry(from: Socket, to: Socket, port: number, count: Carried): void {
  const between = (sender: number, receiver: number) => isGuest(sender) && isGuest(receiver)
  // So many of a hundred are lost, whatever the luck: a short look at it is enough.
  let owed = 0
  from.on('message', (frame) => {
    const cameAt = performance.now()
    const datagram = datagramIn(frame, between)
    if (datagram) count.bytes += datagram.bytes
    if (datagram?.rtp) {
      count.rtp++
      owed += shape.loss * Math.random() * 2
      if (owed >= 1) {
        owed--
        count.lost++
        count.lostBytes += datagram.bytes
        return
      }
    }
    fillChecksum(frame)
    const pass = () => {
      to.send(frame, port, UNDERLAY.far)
      count.heldMs += performance.now() - cameAt
      count.held++
    }
    if (shape.delayMs === 0) pass()
    else setTimeout(pass, shape.delayMs)
  })
}

/** Not the servers, whose address ends in 1. */
function isGuest(address: number): boolean {
  return (address & 0xff) > 1
}
