import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type {
  ClientToServerEvents,
  JoinResponse,
  Participant,
  RoomSnapshot,
  ServerToClientEvents,
} from '@parley/protocol'
import { type Logger, pino } from 'pino'
import { io, type Socket } from 'socket.io-client'
import { parseConfig, type SignalingConfig } from '../config.ts'

export const turnSecret = 'turn-secret-that-nobody-may-see'
export const joinKey = 'join-key-that-nobody-may-see-either'
export const turnUrl = 'turn:192.0.2.1:3478?transport=udp'

/** Files and environment of a signaling server of its own, under a folder that goes with it. */
export function signalingFiles(endpoints: string[] = [turnUrl]) {
  const dir = mkdtempSync(join(tmpdir(), 'parley-signaling-'))
  const file = (name: string, content: string) => {
    const path = join(dir, name)
    writeFileSync(path, content)
    return path
  }
  const env = {
    HOST: '127.0.0.1',
    PORT: '0',
    PARLEY_TURN_SECRET_FILE: file('turn-secret', `${turnSecret}\nolder\n`),
    PARLEY_JOIN_KEY_FILE: file('join-key', joinKey),
    PARLEY_TURN_ENDPOINTS_FILE: file('endpoints.json', JSON.stringify({ urls: endpoints })),
  }
  return {
    dir,
    env,
    file,
    config: (overrides: Partial<SignalingConfig> = {}): SignalingConfig => ({
      ...parseConfig(env),
      ...overrides,
    }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** A logger whose lines can be read. */
export function recordingLog(): { log: Logger; text: () => string } {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  return { log: pino({ level: 'trace' }, stream), text: () => lines.join('') }
}

export type Client = Socket<ServerToClientEvents, ClientToServerEvents>

/** How long a server may take to answer on a machine that is busy. */
const answerMs = 20_000

const media = { audio: true, video: true }

/** Clients of one test, closed together. */
export function clients() {
  const open: Client[] = []

  const socket = (url: string, token: unknown): Client => {
    const client: Client = io(url, {
      auth: { token },
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 50,
    })
    open.push(client)
    return client
  }

  return {
    socket,
    /** Joins over both steps, as the webapp does. */
    async enter(url: string, room: string, name: string) {
      const joined = await requestJoin(url, room, { name })
      const entered = await this.take(url, joined.token)
      return { ...entered, joined }
    },
    /** Takes the seat that the token is for. */
    async take(url: string, token: string) {
      const client = socket(url, token)
      const events = record(client)
      const snapshot = await seat(client)
      return { client, events, snapshot, id: snapshot.self }
    },
    close() {
      for (const client of open) client.disconnect()
    },
  }
}

export async function seat(client: Client): Promise<RoomSnapshot> {
  const answer = await client.timeout(answerMs).emitWithAck('room:join', { media })
  if (!answer.ok) throw Object.assign(new Error(answer.error.message), answer.error)
  return answer.data
}

export async function requestJoin(url: string, room: string, body: unknown): Promise<JoinResponse> {
  const response = await postJoin(url, room, body)
  if (!response.ok) throw new Error(`join answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as JoinResponse
}

export function postJoin(url: string, room: string, body: unknown, headers = {}) {
  return fetch(`${url}/api/rooms/${encodeURIComponent(room)}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export type Recorded = {
  joined: Participant[]
  left: string[]
  /** Names of all events in the order of their arrival. */
  names: string[]
  signals: { from: string; signal: unknown }[]
}

function record(client: Client): Recorded {
  const events: Recorded = { joined: [], left: [], names: [], signals: [] }
  client.onAny((name: string) => events.names.push(name))
  client.on('participant:joined', (participant) => events.joined.push(participant))
  client.on('participant:left', ({ id }) => events.left.push(id))
  client.on('signal', (signal) => events.signals.push(signal))
  return events
}

/** Waits for something that another process brings about; fails loudly, naming it. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A message that goes to the server and back: what was sent before it has arrived. */
export async function settle(client: Client): Promise<void> {
  await client.timeout(answerMs).emitWithAck('turn:refresh', {})
}
