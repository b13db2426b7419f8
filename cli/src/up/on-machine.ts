import { hasLiveKit, type MeetingCluster } from '@parley/operator/api'
import {
  defaultRenderInputs,
  generateSecrets,
  type KubernetesObject,
  limitations,
  renderMeetingCluster,
  turnReach,
  turnTls,
} from '@parley/operator/render'

/** What `parley up` knows of the machine before it starts anything. */
export interface Machine {
  /** Where browsers reach media ports; undefined where there is none but loopback. */
  address: string | undefined
  /** The network of that address, as `192.168.1.0/24`. */
  network: string | undefined
  /** Programs that were found, of those that are not ours. */
  programs: Readonly<Record<Program, boolean>>
}

export type Program = 'turnserver' | 'redis-server' | 'livekit-server' | 'sqlite3'

export interface Plan {
  /** The MeetingCluster as this machine can run it. */
  mc: MeetingCluster
  runs: { redis: boolean; turn: boolean; sfu: boolean; meter: boolean }
  /** What is other than the file says, or is missing, and how to get it; one sentence each. */
  notes: string[]
}

/** The name of the one node that the renderers are told of. */
export const HERE = 'here'

/**
 * Makes of a MeetingCluster what one machine can run: services of a cluster (a database, an external Redis, a
 * certificate, a price list) give way to the embedded defaults of the schema, and what has no program is left out.
 */
export function planFor(wanted: MeetingCluster, machine: Machine): Plan {
  const { spec } = wanted
  const { programs, address, network } = machine
  const notes: string[] = []
  const note = (when: boolean, text: string) => {
    if (when) notes.push(text)
  }

  note(
    spec.redis.mode === 'External',
    'spec.redis is External: this machine takes a Redis of its own.',
  )
  note(spec.store.mode === 'MySQL', 'spec.store is MySQL: this machine counts in SQLite.')
  note(
    spec.cost.prices.configMap !== undefined,
    `spec.cost.prices.configMap is in a cluster: prices are the preset of ${spec.region}.`,
  )
  note(turnTls(wanted) !== undefined, 'spec.turn.tls is in a cluster: TURN goes without TLS here.')
  for (const { message } of limitations(wanted)) notes.push(`${message}.`)

  const redis = programs['redis-server']
  const relays = address !== undefined && programs.turnserver && programs.sqlite3
  if (address === undefined)
    notes.push('This machine has no address but loopback: no TURN, browsers of this machine meet.')
  else if (!relays)
    notes.push(
      `${programs.turnserver ? 'sqlite3' : 'coturn'} is not installed: direct calls only, nobody is relayed (apt-get install coturn sqlite3).`,
    )
  const offered = hasLiveKit(wanted) && address !== undefined
  const sfu = offered && programs['livekit-server'] && redis
  const meshOnly = `rooms hold ${spec.mesh.maxParticipants} people at most`
  if (spec.sfu.engine === 'Mediasoup')
    notes.push(`spec.sfu.engine Mediasoup is not available: ${meshOnly}.`)
  else if (offered && !programs['livekit-server'])
    notes.push(
      `livekit-server is not installed: ${meshOnly} (see https://docs.livekit.io/transport/self-hosting/local/).`,
    )
  else if (offered && !redis)
    notes.push(
      `LiveKit wants redis-server, which is not installed: ${meshOnly} (apt-get install redis-server).`,
    )
  if (relays && !redis)
    notes.push(
      'redis-server is not installed: what is relayed is not metered (apt-get install redis-server).',
    )

  const { issuerRef: _, ...withoutIssuer } = spec.turn.tls
  const mc: MeetingCluster = {
    ...wanted,
    spec: {
      ...spec,
      redis: { ...spec.redis, mode: 'Managed' },
      store: { ...spec.store, mode: 'Embedded' },
      cost: {
        ...spec.cost,
        prices: spec.cost.prices.configMap === undefined ? spec.cost.prices : {},
      },
      turn: {
        ...spec.turn,
        exposure: 'HostNetwork',
        externalAddresses: [],
        tls: { ...withoutIssuer, secretName: '' },
        // Who is in the same network as this machine is who calls are held with.
        allowedPeers: [...spec.turn.allowedPeers, ...(network === undefined ? [] : [network])],
      },
      sfu: { ...spec.sfu, externalAddresses: [], engine: sfu ? 'LiveKit' : 'None' },
    },
  }
  return {
    mc,
    runs: { redis: redis && (relays || sfu), turn: relays, sfu, meter: relays && redis },
    notes,
  }
}

/** All that the operator would make of it, on a cluster of one node. */
export function objectsOf(
  { mc }: Plan,
  address: string | undefined,
  stunUrl: string,
  randomBytes: (size: number) => Uint8Array,
): KubernetesObject[] {
  const nodes = {
    [HERE]: { internal: [address ?? '127.0.0.1'], advertised: address ?? '127.0.0.1' },
  }
  const situation = { nodes: [HERE], readyNodes: [HERE], service: undefined, tls: undefined }
  const turnUrls = stunUrl === '' ? turnReach(mc, nodes, situation).urls : [stunUrl]
  const inputs = defaultRenderInputs({
    nodes,
    turnUrls,
    capabilities: {
      serviceMonitor: false,
      certificates: false,
      storage: { redis: 'None', meter: 'None' },
      externalMetrics: false,
    },
  })
  // What a cluster would wait with says here what is wrong with it.
  const { objects, held } = renderMeetingCluster(mc, inputs)
  return [...objects, ...held, ...generateSecrets(mc, {}, randomBytes)]
}
