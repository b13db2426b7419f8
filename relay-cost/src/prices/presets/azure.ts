import { gibibyte, type Preset } from './preset.ts'

const page = 'https://azure.microsoft.com/pricing/details/bandwidth/'
const freeGB = 100

/** Price of a GB up to 10, up to 50, up to 150 TB a month, and above; by Azure's billing zones. */
type Bands = readonly [number, number, number, number]
const zone1: Bands = [0.087, 0.083, 0.07, 0.05]
const zone2: Bands = [0.12, 0.085, 0.082, 0.08]
const zone3: Bands = [0.181, 0.175, 0.17, 0.16]

type Region = {
  region: string
  bands: Bands
  interRegion: number
  /** Standard_F2s_v2: 2 vCPU, 4 GiB. */
  perHour: number
  /** The first band and the price to other regions were held against public pages. */
  checked?: boolean
}

const regions: Region[] = [
  { region: 'eastus', bands: zone1, interRegion: 0.02, perHour: 0.0846, checked: true },
  { region: 'westus2', bands: zone1, interRegion: 0.02, perHour: 0.0846, checked: true },
  { region: 'westeurope', bands: zone1, interRegion: 0.02, perHour: 0.097, checked: true },
  { region: 'northeurope', bands: zone1, interRegion: 0.02, perHour: 0.0956, checked: true },
  { region: 'germanywestcentral', bands: zone1, interRegion: 0.02, perHour: 0.097, checked: true },
  { region: 'southeastasia', bands: zone2, interRegion: 0.08, perHour: 0.0984 },
  { region: 'japaneast', bands: zone2, interRegion: 0.08, perHour: 0.1066 },
  { region: 'australiaeast', bands: zone2, interRegion: 0.08, perHour: 0.1112, checked: true },
  { region: 'brazilsouth', bands: zone3, interRegion: 0.16, perHour: 0.131 },
]

const tiersOf = (bands: Bands): Preset['tiers'] => [
  [freeGB, 0],
  [10_240, bands[0]],
  [51_200, bands[1]],
  [153_600, bands[2]],
  [undefined, bands[3]],
]

export const azurePresets: Preset[] = regions.map(
  ({ region, bands, interRegion, perHour, checked }) => ({
    name: `azure/${region}`,
    meter: 'azure',
    gigabyte: gibibyte,
    source: `${page} (${checked ? 'first band and other regions checked, the rest approximate' : 'approximate'}; node approximate)`,
    approximate: true,
    priorUsageGB: freeGB,
    tiers: tiersOf(bands),
    // Azure charges nothing from one availability zone to another.
    crossZone: 0,
    interRegion,
    node: { type: 'Standard_F2s_v2', perHour },
    publicIPv4PerHour: 0.005,
  }),
)
