import { gibibyte, type Preset } from './preset.ts'

const page = 'https://cloud.google.com/vpc/network-pricing'

/** Price of a GiB up to 1 TiB, up to 10 TiB a month, and above. */
type Bands = readonly [number, number, number]

const premium: Bands = [0.12, 0.11, 0.08]
const standard: Bands = [0.085, 0.065, 0.045]

type Region = {
  region: string
  premium?: Bands
  /** Egress over the nearest provider instead of Google's network; a preset of its own. */
  standard?: Bands
  interRegion?: number
  /** n2-standard-2: 2 vCPU, 8 GiB. */
  perHour: number
}

const regions: Region[] = [
  { region: 'us-central1', standard, perHour: 0.0971 },
  { region: 'us-east1', standard, perHour: 0.0971 },
  { region: 'europe-west1', standard, perHour: 0.1069 },
  { region: 'europe-west3', standard, perHour: 0.1251 },
  { region: 'europe-west4', standard, perHour: 0.1069 },
  { region: 'asia-northeast1', interRegion: 0.08, perHour: 0.1247 },
  { region: 'asia-southeast1', interRegion: 0.08, perHour: 0.1198 },
  {
    region: 'australia-southeast1',
    premium: [0.19, 0.18, 0.15],
    interRegion: 0.1,
    perHour: 0.1378,
  },
  { region: 'southamerica-east1', interRegion: 0.14, perHour: 0.1542 },
]

export const gcpPresets: Preset[] = regions.flatMap((row) => {
  const { region, interRegion = 0.02, perHour } = row
  const preset = (name: string, networkTier: 'premium' | 'standard', bands: Bands): Preset => ({
    name,
    meter: 'gcp',
    gigabyte: gibibyte,
    networkTier,
    source: `${page} (first band checked, the rest approximate; node n2-standard-2 approximate)`,
    approximate: true,
    tiers: [
      [1024, bands[0]],
      [10_240, bands[1]],
      [undefined, bands[2]],
    ],
    crossZone: 0.01,
    interRegion,
    node: { type: 'n2-standard-2', perHour },
    publicIPv4PerHour: 0.005,
  })
  return [
    preset(`gcp/${region}`, 'premium', row.premium ?? premium),
    ...(row.standard ? [preset(`gcp/${region}-standard`, 'standard', row.standard)] : []),
  ]
})
