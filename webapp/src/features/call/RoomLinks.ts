import type { IceServer, MediaState, Participant, RoomMedia, Signal } from '@parley/protocol'
import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import { noTraffic, readLinkStats, rowsOf } from '../connection/linkStats.ts'
import type { LinkState, LocalTracks } from '../connection/PeerLink.ts'
import { SendQuality } from '../connection/SendQuality.ts'
import { turnReachable } from '../connection/turnReach.ts'
import type { LinkReporter } from '../linkReports/LinkReporter.ts'
import type { Readings } from '../metrics/statsRows.ts'
import type { CallState } from './callState.ts'
import type { Link, LinkRequest } from './Link.ts'
import { LinkReadings } from './LinkReadings.ts'
import type { Peer } from './Peer.ts'
import { Participants } from './participants.ts'
import { SendLimits } from './SendLimits.ts'
import type { Sfu, SfuRequest } from './Sfu.ts'
import { SteadyVoice } from './SteadyVoice.ts'

export type RoomLinksOptions = {
  call: Cell<CallState>
  clock: Clock
  reporter: LinkReporter
  createLink(request: LinkRequest): Link
  openSfu(request: SfuRequest): Sfu
  localTracks(): LocalTracks
  maxKbps?(): number
  /** To another participant; what cannot be delivered is made up for by the link's own tries. */
  send(to: string, signal: Signal): void
  /** For the SFU, when its session begins anew. */
  refreshToken(): Promise<string>
  /** The SFU has not been reached for a while. */
  onSfuUnreachable(): void
  /** Nothing comes of a participant any more; whatever cut the link may have cut more. */
  onCut(): void
  /** Whether relays can be reached, as one link has found out. */
  onTurn(reachable: boolean): void
  /** There is room for less than the whole picture, or for all of it again. */
  onSlow(slow: boolean): void
  /** All links were read, which they are every second. */
  onReadings?(readings: Readings): void
  /** Nobody is there any more of this participant, whom the state has named until now. */
  onLeft(name: string): void
}

/** Whether a link delivers is looked at this often while a room moves. */
const handOverProbeMs = 100
/** A page that is busy plays what has taken over only so much later, and until then what came before. */
const swapMs = 1000
/** Ends that wait for each other to have what they need over the new way wait no longer than this. */
const lingerMs = 30_000

/** The links of one person to everybody else in a room, and the way that its media takes. */
export class RoomLinks {
  readonly readings: LinkReadings
  readonly #options: RoomLinksOptions
  readonly #participants: Participants
  readonly #limits: SendLimits
  readonly #peers = new Map<string, Peer>()
  /** Links that were taken over from. */
  readonly #lingering = new Set<Link>()
  /** Links that have taken over from the SFU, and whose other ends have not yet. */
  readonly #unconfirmed = new Set<Link>()
  #iceServers: IceServer[] = []
  #way: RoomMedia['mode'] = 'mesh'
  /** Also while a room that came back from there still needs it. */
  #sfu: Sfu | undefined

  constructor(options: RoomLinksOptions) {
    this.#options = options
    this.#participants = new Participants(options.call)
    this.#limits = new SendLimits({ ...options, peers: this.#peers, sfu: () => this.#sfu })
    this.readings = new LinkReadings({
      ...options,
      peers: this.#peers,
      sfu: () => this.#sfu,
      onReading: (peer, rows) => {
        this.#limits.adapt(peer)
        this.#lookForTurn(peer, rows)
      },
    })
  }

  /** The way that new links take. */
  get way(): RoomMedia['mode'] {
    return this.#way
  }

  add(participant: Participant): void {
    const { id } = participant
    const link = this.#link(id)
    this.#peers.set(id, {
      link,
      madeAtMs: this.#options.clock.now(),
      absent: false,
      ways: 0,
      quality: new SendQuality(),
    })
    this.#participants.add(participant, link)
    this.#limits.apply()
    this.readings.probeAudio()
  }

  /** @returns whether the participant was there already */
  returned({ id, name, media }: Participant): boolean {
    const peer = this.#peers.get(id)
    if (!peer) return false
    this.#participants.patch(id, { name, media })
    if (peer.absent) peer.link.peerReturned()
    peer.absent = false
    return true
  }

  /** Also said of who returns with another socket, after a cut of which only one end may know. */
  mediaChanged(id: string, media: MediaState): void {
    this.#participants.patch(id, { media })
    const peer = this.#peers.get(id)
    const link = peer && directOf(peer)
    if (link && link.state !== 'connecting') link.peerReturned()
  }

  /** The server has this participant no more. */
  gone(id: string): void {
    const peer = this.#peers.get(id)
    if (!peer) return
    peer.absent = true
    // Who left by hand has closed its end, which this end learns of in a moment.
    if (peer.link.state !== 'connected') this.#remove(id)
  }

  /** All whom `present` does not name are gone. */
  keepOnly(present: ReadonlySet<string>): void {
    for (const id of [...this.#peers.keys()]) if (!present.has(id)) this.gone(id)
  }

  /** @returns false where the sender is not known (yet) */
  receive(from: string, signal: Signal): boolean {
    const peer = this.#peers.get(from)
    if (peer) directOf(peer).receive(signal)
    return peer !== undefined
  }

  signalingRestored(): void {
    for (const link of this.#current()) link.signalingRestored()
  }

  /** Signaling is back, and so the SFU is in reach as well. */
  serverReached(): void {
    this.#sfu?.retry()
  }

  retry(): void {
    for (const link of this.#current()) link.retry()
    this.#sfu?.retry()
  }

  /** The SFU's server that had the room is gone. */
  sfuLost(): void {
    this.#sfu?.beginAnew()
  }

  setTracks(tracks: LocalTracks): void {
    for (const link of this.#current()) link.setTracks(tracks)
    for (const link of this.#lingering) link.setTracks(tracks)
    this.#sfu?.setTracks(tracks)
    this.#limits.applyWanted()
  }

  /** Used by links that are made or restarted from now on. */
  setIceServers(iceServers: IceServer[]): void {
    this.#iceServers = iceServers
    for (const link of this.#current()) link.setIceServers(iceServers as RTCIceServer[])
    for (const link of this.#lingering) link.setIceServers(iceServers as RTCIceServer[])
    this.#sfu?.setIceServers(iceServers as RTCIceServer[])
  }

  /**
   * A mesh is no news for who is on the SFU unless the room came back from there: a server may have no
   * memory of the room.
   */
  takeMedia(media: RoomMedia): void {
    if (media.mode === this.#way) return
    if (media.mode === 'sfu') this.#toSfu(media.token)
    else if (media.cameBack) this.#toMesh()
  }

  /** The page goes away, and nothing else needs to be put right. */
  depart(): void {
    this.#sfu?.close()
  }

  /** Ends every link; totals are kept. */
  end(): void {
    this.readings.stop()
    this.#options.reporter.reset()
    for (const peer of this.#peers.values()) this.#retire(peer)
    this.#peers.clear()
    for (const link of this.#lingering) link.close()
    this.#lingering.clear()
    if (this.#sfu) this.readings.retire(this.#sfu.totals())
    this.#sfu?.close()
    this.#sfu = undefined
    this.#way = 'mesh'
    this.#unconfirmed.clear()
  }

  /** Links that are in use, and those that are to be. */
  #current(): Link[] {
    return [...this.#peers.values()].flatMap(({ link, next }) => (next ? [link, next] : [link]))
  }

  // -- one link --------------------------------------------------------------------------------

  /** A way to one other participant: over the SFU where the room is there. */
  #link(id: string): Link {
    const { call, createLink, localTracks, send } = this.#options
    const drawn = () => this.#peers.get(id)?.link === link
    const request: LinkRequest = {
      selfId: call.get().selfId,
      peerId: id,
      configuration: this.#configuration(),
      tracks: localTracks(),
      send: (signal) => send(id, signal),
      signalingUp: () => call.get().signaling === 'up',
      onState: (state) => {
        if (drawn()) this.#linkChanged(id, state)
        // Its other end has closed it, so there too the SFU has taken over.
        else if (link && state !== 'connected') this.#stopLingering(link)
      },
      onConnectionState: () => {
        const peer = this.#peers.get(id)
        // One that is being made has little to say, and no time for it.
        const made =
          peer && peer.link.connectionState !== 'new' && peer.link.connectionState !== 'connecting'
        if (made && drawn()) void this.readings.sampleOne(id, peer)
      },
      onTrack: (kind, track) => {
        if (drawn()) this.#participants.patch(id, { [kind]: track })
      },
    }
    // Set only once the link is made; until then it cannot be the one that is drawn.
    let link: Link | undefined
    link = (this.#way === 'sfu' && this.#sfu?.link(request)) || createLink(request)
    return link
  }

  #configuration(): RTCConfiguration {
    return {
      iceServers: this.#iceServers as RTCIceServer[],
      iceTransportPolicy: this.#options.call.get().relayForced ? 'relay' : 'all',
      bundlePolicy: 'max-bundle',
    }
  }

  #linkChanged(id: string, link: LinkState): void {
    // Its other end may have closed it for the SFU's sake, and there is no use in mending it.
    if (link !== 'connected' && this.#peers.get(id)?.next) this.#takeOver(id)
    else if (link !== 'connected' && this.#peers.get(id)?.absent) this.#remove(id)
    else
      this.#participants.patch(id, link === 'connected' ? { link } : { link, quality: 'unknown' })
    if (link === 'reconnecting') this.#options.onCut()
  }

  #lookForTurn({ link, madeAtMs }: Peer, rows: [string, unknown][]): void {
    if (link.sfu) return
    const ageMs = this.#options.clock.now() - madeAtMs
    const reachable = turnReachable(rows, link.iceErrors?.length ?? 0, ageMs)
    if (reachable !== undefined) this.#options.onTurn(reachable)
  }

  #remove(id: string): void {
    const peer = this.#peers.get(id)
    if (!peer) return
    this.#retire(peer)
    this.#peers.delete(id)
    const participant = this.#participants.remove(id)
    if (participant) this.#options.onLeft(participant.name)
    // The one whom little got through to may be who left.
    if (peer.quality.level > 0) this.#limits.tellSlow()
    this.#limits.apply()
    this.#leaveSfu()
  }

  #retire({ link, next, stats }: Peer): void {
    if (stats && !link.sfu) this.readings.retire(stats.transport)
    this.#close(link)
    next?.close()
  }

  #close(link: Link): void {
    link.close()
    this.#options.reporter.ended(link)
    this.#confirmed(link)
  }

  // -- from one way to the other ---------------------------------------------------------------

  #toSfu(token: string): void {
    const { openSfu, refreshToken, localTracks, onSfuUnreachable } = this.#options
    this.#way = 'sfu'
    this.#unconfirmed.clear()
    this.#sfu ??= openSfu({
      token,
      refreshToken,
      configuration: this.#configuration(),
      tracks: localTracks(),
      onUnreachable: () => {
        if (this.#way === 'sfu') onSfuUnreachable()
      },
    })
    this.#moveAll()
  }

  #toMesh(): void {
    this.#way = 'mesh'
    this.#moveAll()
    this.#limits.apply()
    this.#leaveSfu()
  }

  #moveAll(): void {
    const present = (link: Link) => Boolean(link.sfu) === (this.#way === 'sfu')
    for (const [id, peer] of this.#peers) {
      // The room was on its way elsewhere when it turned round.
      peer.next?.close()
      delete peer.next
      if (present(peer.link)) continue
      peer.next = this.#link(id)
      if (peer.link.state === 'connected') this.#probeNext(id, peer.next)
      else this.#takeOver(id)
    }
  }

  /** Make before break: the present link goes on until the next one brings what it brought. */
  #probeNext(id: string, next: Link, voice = new SteadyVoice()): void {
    const awaited = () => this.#peers.get(id)?.next === next
    this.#options.clock.after(handOverProbeMs, async () => {
      const delivers = awaited() && (await this.#delivers(id, next, voice).catch(() => false))
      if (!awaited()) return
      if (delivers) this.#takeOver(id)
      else this.#probeNext(id, next, voice)
    })
  }

  async #delivers(id: string, link: Link, voice: SteadyVoice): Promise<boolean> {
    const media = this.#participants.find(id)?.media
    if (link.state !== 'connected') return false
    const stats = readLinkStats(rowsOf(await link.stats()))
    const steady = voice.read(this.#options.clock.now(), stats)
    if (media?.screen && !link.tracks.screen) return false
    return (!media?.video || stats.framesDecoded > 0) && (!media?.audio || steady)
  }

  #takeOver(id: string): void {
    const peer = this.#peers.get(id)
    if (!peer?.next) return
    const { link: before, next, stats } = peer
    if (stats && !before.sfu) this.readings.retire(stats.transport)
    peer.link = next
    delete peer.next
    peer.quality.renew()
    peer.madeAtMs = this.#options.clock.now()
    peer.ways++
    if (stats) peer.stats = { ...stats, transport: noTraffic }
    this.#participants.patch(id, {
      link: next.state,
      sfu: next.sfu ?? false,
      audio: next.tracks.audio ?? before.tracks.audio,
      video: next.tracks.video ?? before.tracks.video,
      screen: next.tracks.screen ?? before.tracks.screen ?? null,
      screenAudio: next.tracks.screenAudio ?? before.tracks.screenAudio ?? null,
    })
    this.#lingering.add(before)
    const stop = () => this.#stopLingering(before)
    const plays = before.state === 'connected'
    this.#options.clock.after(plays ? lingerMs : 0, stop)
    if (!next.sfu) this.#keepSfuFor(next)
    const swapped = () => {
      // The other end may still need it.
      if (this.#lingering.has(before)) before.finish(stop)
      if (this.#unconfirmed.has(next)) next.confirm(() => this.#confirmed(next))
    }
    if (plays) this.#options.clock.after(swapMs, swapped)
    else swapped()
  }

  /** Until both ends of this link that has taken over need what came over the SFU no more. */
  #keepSfuFor(link: Link): void {
    this.#unconfirmed.add(link)
    this.#options.clock.after(lingerMs, () => this.#confirmed(link))
    this.#leaveSfu()
  }

  #confirmed(link: Link): void {
    if (this.#unconfirmed.delete(link)) this.#leaveSfu()
  }

  /** Once nobody needs it any more. */
  #leaveSfu(): void {
    const sfu = this.#sfu
    const needed = [...this.#peers.values()].some(({ link }) => link.sfu)
    if (!sfu || this.#way === 'sfu' || needed || this.#unconfirmed.size > 0) return
    this.readings.retire(sfu.totals())
    this.#options.reporter.ended(sfu)
    this.#sfu = undefined
    for (const link of this.#lingering) if (link.sfu) this.#stopLingering(link)
    sfu.close()
  }

  #stopLingering(link: Link): void {
    if (this.#lingering.delete(link)) this.#close(link)
  }
}

/** Signals are of direct links. */
function directOf({ link, next }: Peer): Link {
  return next && !next.sfu ? next : link
}
