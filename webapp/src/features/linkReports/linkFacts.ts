import type { LinkReport } from '@parley/protocol'
import { type StatsRow, selectedPair, statsRows } from '../connection/linkStats.ts'

type Transport = LinkReport['errors'][number]['transport']
type LinkFacts = Omit<LinkReport, 'link' | 'ageMs' | 'peer' | 'ended'>

/** What the server said, or did not say, while candidates were gathered. */
export type IceError = LinkReport['errors'][number]

const errorsMax = 8
const failedPairsMax = 9999
/** `icecandidateerror`: the server could not be reached. */
const unreachable = 701

/**
 * What is known of one link, put together from one reading after the other: browsers drop candidates
 * that they need no more, but what was once seen stays true.
 */
export class LinkKnowledge {
  readonly #policy: 'all' | 'relay'
  readonly #gathered = { host: false, srflx: false, relay: false }
  readonly #answered = { udp: false, tcp: false, tls: false }
  readonly #errors = new Map<string, IceError>()
  /** Mapped addresses by the local socket that they are for; they never leave the page. */
  readonly #mappings = new Map<string, Set<string>>()
  #failedPairs = 0
  #selected: LinkReport['selected']

  constructor(policy: 'all' | 'relay') {
    this.#policy = policy
  }

  /** @param report of getStats() */
  read(report: Iterable<[string, unknown]>, errors: readonly IceError[] = []): void {
    const rows = statsRows(report)
    const locals = rows.filter(({ type }) => type === 'local-candidate')
    for (const row of locals) this.#readCandidate(row)
    this.#readMappings(locals)
    for (const error of errors) this.#readError(error)
    const failed = rows.filter((row) => row.type === 'candidate-pair' && row.state === 'failed')
    this.#failedPairs = Math.min(failedPairsMax, Math.max(this.#failedPairs, failed.length))
    this.#selected = selectedOf(rows) ?? this.#selected
  }

  get facts(): LinkFacts {
    return {
      policy: this.#policy,
      gathered: { ...this.#gathered },
      answered: { ...this.#answered },
      errors: [...this.#errors.values()],
      mappingVaries: [...this.#mappings.values()].some(({ size }) => size > 1),
      failedPairs: this.#failedPairs,
      ...(this.#selected && { selected: this.#selected }),
    }
  }

  #readCandidate({ candidateType, protocol, relayProtocol }: StatsRow): void {
    if (candidateType === 'host' || candidateType === 'srflx' || candidateType === 'relay')
      this.#gathered[candidateType] = true
    if (candidateType === 'srflx' && protocol === 'udp') this.#answered.udp = true
    if (candidateType === 'relay' && isTransport(relayProtocol))
      this.#answered[relayProtocol] = true
  }

  #readError(error: IceError): void {
    // A refusal is an answer, too.
    if (error.code !== unreachable) this.#answered[error.transport] = true
    const key = `${error.transport} ${error.code}`
    if (this.#errors.size < errorsMax || this.#errors.has(key)) this.#errors.set(key, error)
  }

  /**
   * A server says under which address it sees a socket: a STUN server as the candidate, a TURN server
   * as what it is related to. Which socket that was is known where the candidate names it, or where
   * there is only one.
   */
  #readMappings(locals: readonly StatsRow[]): void {
    const sockets = new Set(
      locals
        .filter((row) => row.candidateType === 'host' && row.protocol === 'udp')
        .map(({ port }) => port),
    )
    for (const row of locals) {
      const { candidateType, relayProtocol, relatedAddress, relatedPort } = row
      const named = typeof relatedPort === 'number' && relatedPort > 0
      if (candidateType === 'srflx' && row.protocol === 'udp') {
        if (named) this.#map(`${relatedAddress} ${relatedPort}`, row.address, row.port)
        if (sockets.size === 1) this.#map('only', row.address, row.port)
      }
      if (candidateType === 'relay' && relayProtocol === 'udp' && named && sockets.size === 1)
        this.#map('only', relatedAddress, relatedPort)
    }
  }

  #map(socket: string, address: unknown, port: unknown): void {
    if (typeof port !== 'number') return
    const family = String(address).includes(':') ? 6 : 4
    const key = `${family} ${socket}`
    this.#mappings.set(key, (this.#mappings.get(key) ?? new Set()).add(`${address} ${port}`))
  }
}

function selectedOf(rows: readonly StatsRow[]): LinkReport['selected'] {
  const pair = selectedPair(rows)
  const candidate = (id: unknown) => rows.find((row) => row.id === id)
  const local = pair && candidate(pair.localCandidateId)
  const remote = pair && candidate(pair.remoteCandidateId)
  if (!isCandidateType(local?.candidateType) || !isCandidateType(remote?.candidateType))
    return undefined
  return {
    local: local.candidateType,
    remote: remote.candidateType,
    ...(isTransport(local.relayProtocol) && { relayProtocol: local.relayProtocol }),
  }
}

/** How the server that a failure is about was asked, by its URL, which goes no further. */
export function iceErrorOf({ url, errorCode }: { url: string; errorCode: number }): IceError {
  const transport = url.startsWith('turns:') || url.startsWith('stuns:') ? 'tls' : 'udp'
  return {
    transport: /[?&]transport=tcp\b/.test(url) && transport === 'udp' ? 'tcp' : transport,
    code: Math.min(799, Math.max(300, errorCode)),
  }
}

type CandidateType = NonNullable<LinkReport['selected']>['local']

function isCandidateType<T>(value: T): value is T & CandidateType {
  return value === 'host' || value === 'srflx' || value === 'prflx' || value === 'relay'
}

function isTransport<T>(value: T): value is T & Transport {
  return value === 'udp' || value === 'tcp' || value === 'tls'
}
