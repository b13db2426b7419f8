import { ReportRequestError } from '../errors.ts'

/** What a meeting is made of, as far as money goes. Bitrates are of one stream, without headers. */
export type Media = {
  /** People in a meeting. */
  roomSize: number
  audioKbps: number
  videoKbps: number
  /** One participant of each meeting shares a screen; 0 for none. */
  screenKbps: number
}

/** A four-person call at 640×360: what the webapp sends in a mesh of four. */
export const usualMedia: Media = { roomSize: 4, audioKbps: 40, videoKbps: 560, screenKbps: 0 }

/** Mean payload of a video packet, and packets of audio a second (20 ms each). */
const videoPacketBytes = 1100
const audioPacketsPerSecond = 50

/** Bits and packets a second, one way. */
export type Flow = { kbps: number; packetsPerSecond: number }

/** Who sends to whom: everybody to each other one, or everybody to the SFU and the SFU to each. */
export const topologies = ['mesh', 'sfu'] as const
export type Topology = (typeof topologies)[number]

/** @throws {ReportRequestError} `WHAT_IF` that names the value and what it may be */
export function checkMedia(media: Media): Media {
  const { roomSize, ...bitrates } = media
  if (!(roomSize >= 2 && roomSize <= 10_000))
    throw new ReportRequestError('WHAT_IF', 'room size must be from 2 to 10,000')
  for (const [name, kbps] of Object.entries(bitrates))
    if (!(kbps >= 0 && kbps <= 1e6))
      throw new ReportRequestError(
        'WHAT_IF',
        `${name} must be a bitrate from 0 to 1,000,000 kbit/s`,
      )
  return media
}

/**
 * What one participant sends and gets, on average over the meeting (one of them shares the screen).
 * In a mesh each sends a copy to every other one; to the SFU, once.
 */
export function flowsOf(media: Media, topology: Topology): { up: Flow; down: Flow } {
  const { roomSize } = media
  const others = roomSize - 1
  const copies = topology === 'mesh' ? others : 1
  const camera = streamOf(media.audioKbps, media.videoKbps)
  const screen = streamOf(0, media.screenKbps)
  return {
    up: add(scale(camera, copies), scale(screen, copies / roomSize)),
    down: add(scale(camera, others), scale(screen, others / roomSize)),
  }
}

/** Bytes an hour of a flow, with `headerBytes` for each packet. */
export function bytesPerHour({ kbps, packetsPerSecond }: Flow, headerBytes: number): number {
  return ((kbps * 1000) / 8 + packetsPerSecond * headerBytes) * 3600
}

function streamOf(audioKbps: number, videoKbps: number): Flow {
  const video = (videoKbps * 1000) / 8 / videoPacketBytes
  return {
    kbps: audioKbps + videoKbps,
    packetsPerSecond: (audioKbps > 0 ? audioPacketsPerSecond : 0) + video,
  }
}

function add(a: Flow, b: Flow): Flow {
  return { kbps: a.kbps + b.kbps, packetsPerSecond: a.packetsPerSecond + b.packetsPerSecond }
}

export function scale({ kbps, packetsPerSecond }: Flow, by: number): Flow {
  return { kbps: kbps * by, packetsPerSecond: packetsPerSecond * by }
}
