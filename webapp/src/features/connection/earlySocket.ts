/** A WebSocket that was opened before there is code to speak over it; what comes meanwhile is kept. */
type Ahead = { socket: WebSocket; kept: Event[]; keep(event: Event): void }

/** Of the page, and not of this module: who opens it is a script with a copy of its own. */
const page = globalThis as { parleySocketAhead?: Ahead | undefined }

const kinds = ['open', 'message'] as const

/** Where Socket.IO's client connects to, as it says it. */
const path = '/socket.io/?EIO=4&transport=websocket'

/** Has the connection made while the code that speaks over it is still to be run. */
export function openSocketAhead(Native = WebSocket, { protocol, host } = location): void {
  const socket = new Native(`${protocol.replace('http', 'ws')}//${host}${path}`)
  const kept: Event[] = []
  const keep = (event: Event) => void kept.push(event)
  for (const kind of kinds) socket.addEventListener(kind, keep)
  page.parleySocketAhead = { socket, kept, keep }
}

/**
 * The one that was opened ahead, once, for just this address and where it has not ended. Its handlers, which are to be set
 * at once, are then told of what came before.
 */
export function takeSocketAhead(url: string): WebSocket | undefined {
  const { socket, kept, keep } = page.parleySocketAhead ?? {}
  page.parleySocketAhead = undefined
  if (!socket || !kept || !keep) return undefined
  for (const kind of kinds) socket.removeEventListener(kind, keep)
  if (socket.url !== url || socket.readyState > WebSocket.OPEN) {
    socket.close()
    return undefined
  }
  queueMicrotask(() => {
    for (const event of kept)
      if (event.type === 'open') socket.onopen?.(event)
      else socket.onmessage?.(event as MessageEvent)
  })
  return socket
}
