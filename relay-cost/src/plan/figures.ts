/** What one processor carries: the figures that a plan is made from, each with where it is from. */
export type CapacityFigure = {
  name: string
  value: number
  unit: string
  /** Measured by us, with a command of this repository, or somebody else's word. */
  measured: boolean
  source: string
  /** Day of the measurement, or on which the source was read. */
  asOf: string
}

export const capacityFigures = {
  turnPacketsPerCore: {
    name: 'TURN packets',
    value: 100_000,
    unit: 'relayed a second and core',
    measured: true,
    source:
      'npm run bench -- turn: 120,482 in one run, coturn 4.6.1, UDP of 1,000 bytes on loopback; less for a network card',
    asOf: '2026-11-21',
  },
  turnMbpsPerPod: {
    name: 'relayed bandwidth',
    value: 400,
    unit: 'Mbit/s a pod',
    measured: false,
    source: 'the default of spec.turn.autoscaling.targetRelayMbps, to which the operator scales',
    asOf: '2026-11-21',
  },
  relayPortsPerPod: {
    name: 'relay ports',
    value: 16_384,
    unit: 'a pod, one for each allocation',
    measured: false,
    source: 'the default of spec.turn.relayPorts: 49152 to 65535',
    asOf: '2026-11-21',
  },
  sfuTracksPerCore: {
    name: 'SFU tracks',
    value: 400,
    unit: 'received and sent a core',
    measured: false,
    source: 'LiveKit docs: 400 tracks per CPU by default (limit.num_tracks)',
    asOf: '2026-11-21',
  },
  socketsPerCore: {
    name: 'signaling sockets',
    value: 5_000,
    unit: 'a core',
    measured: false,
    source: 'assumption: a socket and one event every 10 s each; not measured',
    asOf: '2026-11-21',
  },
  nodesPerRegion: {
    name: 'nodes',
    value: 1_000,
    unit: 'a cluster',
    measured: false,
    source: 'a fifth of the 5,000 that Kubernetes documents as its limit',
    asOf: '2026-11-21',
  },
} as const satisfies Record<string, CapacityFigure>

export type CapacityName = keyof typeof capacityFigures
export type Capacity = Record<CapacityName, number>

/** Share of a processor that is planned with: what autoscalers aim at (targetCPUUtilization). */
export const plannedUtilization = 0.7

export function usualCapacity(): Capacity {
  return Object.fromEntries(
    Object.entries(capacityFigures).map(([name, { value }]) => [name, value]),
  ) as Capacity
}
