import { describe, expect, it } from '@jest/globals'
import { settle } from '../../testing/TestClock.ts'
import { openSocketAhead, takeSocketAhead } from './earlySocket.ts'

/** A WebSocket whose server a test plays. */
class FakeSocket extends EventTarget {
  readyState: number = WebSocket.CONNECTING
  closed = false
  onopen: ((event: Event) => void) | null = null
  onmessage: ((event: MessageEvent) => void) | null = null
  readonly url: string
  constructor(url: string) {
    super()
    this.url = url
    for (const kind of ['open', 'message'] as const)
      this.addEventListener(kind, (event) => this[`on${kind}`]?.(event as MessageEvent))
  }
  close() {
    this.closed = true
  }
  open() {
    this.readyState = WebSocket.OPEN
    this.dispatchEvent(new Event('open'))
  }
  say = (data: string) => this.dispatchEvent(new MessageEvent('message', { data }))
}

const url = 'wss://meet.example/socket.io/?EIO=4&transport=websocket'

function ahead() {
  let made: FakeSocket | undefined
  const Native = class extends FakeSocket {
    constructor(url: string) {
      super(url)
      made = this
    }
  }
  openSocketAhead(
    Native as unknown as typeof WebSocket,
    {
      protocol: 'https:',
      host: 'meet.example',
    } as Location,
  )
  if (!made) throw new Error('none was made')
  return made
}

/** What whoever takes it hears. */
function take(at = url) {
  const heard: string[] = []
  const taken = takeSocketAhead(at)
  if (taken) {
    taken.onopen = () => heard.push('open')
    taken.onmessage = ({ data }) => heard.push(data)
  }
  return { taken, heard }
}

describe('a socket that is opened before there is code for it', () => {
  it('REQ-W2: tells whoever takes it of what came before, in order and once', async () => {
    const socket = ahead()
    socket.open()
    socket.say('0{}')
    const { taken, heard } = take()
    expect(taken).toBe(socket)
    await settle()
    socket.say('40')
    expect(heard).toEqual(['open', '0{}', '40'])
    expect(take().taken).toBeUndefined()
  })

  it('is taken while it is still being connected', async () => {
    const socket = ahead()
    const { heard } = take()
    await settle()
    socket.open()
    expect(heard).toEqual(['open'])
  })

  it('REQ-W1: is not taken once it has ended, or for another address', () => {
    const ended = ahead()
    ended.readyState = WebSocket.CLOSED
    expect(take().taken).toBeUndefined()
    const other = ahead()
    expect(take(url.replace('meet', 'other')).taken).toBeUndefined()
    expect(other.closed).toBe(true)
  })
})
