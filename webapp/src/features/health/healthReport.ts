import type { CallEncryption } from '../encryption/encryptionState.ts'
import type { HealthEvent } from './HealthLog.ts'

/**
 * One connection, as it is read: of whichever source has it. What a source does not know is undefined.
 */
export type LinkHealth = {
  /** The person at the other end, as {@link HealthLog.person} numbers them. */
  person: number
  link: string
  sfu: boolean
  usingRelay: boolean | undefined
  localCandidate: string | undefined
  remoteCandidate: string | undefined
  /** How this end reaches its relay. */
  relayProtocol: string | undefined
  rttMs: number | undefined
  lossPercent: number | undefined
  sentKbps: number | undefined
  receivedKbps: number | undefined
  quality: string
  /** Only told where the person wants it told. */
  localAddress: string | undefined
  remoteAddress: string | undefined
}

/** Where the health panel has its figures from: read once a second while it is open. */
export type HealthSource = () => Promise<LinkHealth[]>

export type DeviceHealth = {
  on: boolean
  problem: string | null
  /** Of the camera's picture, as the browser says it: `1280×720, 30 fps`. */
  settings: string | undefined
}

export type HealthInput = {
  /** Epoch ms. */
  at: number
  browser: string
  secureContext: boolean
  language: string
  call: { phase: string; signaling: string; error: string | null; relayForced: boolean }
  notes: readonly string[]
  encryption: CallEncryption['kind']
  microphone: DeviceHealth
  camera: DeviceHealth
  links: readonly LinkHealth[]
  events: readonly HealthEvent[]
}

/**
 * The way of one connection, and why it is that one.
 *
 * - `local`, `direct`: within one network, or from one to the other
 * - `forced`: the link asks for a relay
 * - `relay-udp`, `relay-tcp`: nothing more direct of this end got through; over TCP or TLS, not even UDP
 * - `relay-theirs`: the other end needs the relay
 * - `sfu`: over the media server, as rooms above the mesh do; `sfu-relay`: and to it by a relay
 */
export type Path =
  | 'unknown'
  | 'local'
  | 'direct'
  | 'forced'
  | 'relay-udp'
  | 'relay-tcp'
  | 'relay-theirs'
  | 'sfu'
  | 'sfu-relay'

export function pathOf(link: LinkHealth, relayForced: boolean): Path {
  const { sfu, usingRelay, localCandidate, remoteCandidate, relayProtocol } = link
  if (usingRelay === undefined) return sfu ? 'sfu' : 'unknown'
  if (usingRelay && sfu) return relayForced ? 'forced' : 'sfu-relay'
  if (sfu) return 'sfu'
  if (!usingRelay)
    return localCandidate === 'host' && remoteCandidate === 'host' ? 'local' : 'direct'
  if (relayForced) return 'forced'
  if (localCandidate !== 'relay') return 'relay-theirs'
  return relayProtocol === 'tcp' || relayProtocol === 'tls' ? 'relay-tcp' : 'relay-udp'
}

export const pathWords: Record<Path, string> = {
  unknown: 'no way found yet',
  local: 'directly, within one network',
  direct: 'directly',
  forced: 'through a relay, since the link asks for one',
  'relay-udp': 'through a relay: the network of this page blocks direct calls',
  'relay-tcp':
    'through a relay over TCP or TLS: the network of this page blocks direct calls and UDP to the relay',
  'relay-theirs': "through a relay: the other end's network needs one",
  sfu: 'over the media server, as in larger rooms',
  'sfu-relay':
    'over the media server, and through a relay to it: the network of this page blocks UDP to it',
}

type ReportedLink = Omit<LinkHealth, 'localAddress' | 'remoteAddress'> & {
  path: string
  localAddress?: string
  remoteAddress?: string
}
export type HealthReport = Omit<HealthInput, 'at' | 'links' | 'events'> & {
  report: 'parley call health'
  at: string
  links: ReportedLink[]
  events: string[]
}

/**
 * What a person sends to support. There is no name, room or token in it: it is put together from fields that hold
 * none, and addresses are in it only where `addresses` says so.
 */
export function healthReport(
  input: HealthInput,
  { addresses }: { addresses: boolean },
): HealthReport {
  const { at, links, events, ...rest } = input
  return {
    report: 'parley call health',
    at: new Date(at).toISOString(),
    ...rest,
    links: links.map(({ localAddress, remoteAddress, ...link }) => ({
      ...link,
      path: pathWords[pathOf(link as LinkHealth, input.call.relayForced)],
      ...(addresses && localAddress !== undefined && { localAddress }),
      ...(addresses && remoteAddress !== undefined && { remoteAddress }),
    })),
    events: events.map(({ at: time, what }) => `${new Date(time).toISOString()} ${what}`),
  }
}

/** The same for people to read. */
export function healthText(report: HealthReport): string {
  const { call, microphone, camera } = report
  const device = ({ on, problem, settings }: DeviceHealth) =>
    [on ? 'on' : 'off', problem, settings].filter(Boolean).join(', ')
  return [
    `Parley call health, ${report.at}`,
    '',
    `Browser: ${report.browser} (${report.language}${report.secureContext ? '' : ', page is not secure'})`,
    `Call: ${call.phase}, server ${call.signaling}${call.error === null ? '' : `, error ${call.error}`}`,
    `Encryption: ${report.encryption}`,
    `Notes: ${report.notes.join(', ') || 'none'}`,
    `Microphone: ${device(microphone)}`,
    `Camera: ${device(camera)}`,
    '',
    ...(report.links.length === 0 ? ['No connections'] : report.links.flatMap(linkLines)),
    '',
    'Events',
    ...report.events.map((line) => `  ${line}`),
    '',
  ].join('\n')
}

function linkLines(link: ReportedLink): string[] {
  const figure = (value: number | undefined, unit: string) =>
    value === undefined ? '?' : `${Math.round(value * 10) / 10}${unit}`
  const { localAddress, remoteAddress } = link
  return [
    `Person ${link.person}: ${link.link}, ${link.quality}`,
    `  way: ${link.path} (${link.localCandidate ?? '?'} – ${link.remoteCandidate ?? '?'})`,
    `  round trip ${figure(link.rttMs, ' ms')}, lost ${figure(link.lossPercent, ' %')}, sent ${figure(link.sentKbps, ' kbit/s')}, received ${figure(link.receivedKbps, ' kbit/s')}`,
    ...(localAddress || remoteAddress ? [`  addresses: ${localAddress} – ${remoteAddress}`] : []),
  ]
}
