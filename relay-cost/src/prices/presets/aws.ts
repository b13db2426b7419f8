import { gibibyte, type Preset } from './preset.ts'

const page = 'https://aws.amazon.com/ec2/pricing/on-demand/'
/** Free for the whole account each month; taken as used up by something else. */
const freeGB = 100

/** Price of a GB up to 10, up to 50, up to 150 TB a month, and above. */
type Bands = readonly [number, number, number, number]
const northAmericaAndEurope: Bands = [0.09, 0.085, 0.07, 0.05]

type Region = {
  region: string
  bands?: Bands
  /** To another region; by the region that sends. */
  interRegion?: number
  /** c6i.large: 2 vCPU, 4 GiB. */
  perHour: number
  /** Checked against several public pages, and not only known from memory. */
  checked?: boolean
}

const regions: Region[] = [
  { region: 'us-east-1', perHour: 0.085, checked: true },
  { region: 'us-east-2', perHour: 0.085, checked: true },
  { region: 'us-west-2', perHour: 0.085, checked: true },
  { region: 'ca-central-1', perHour: 0.093 },
  { region: 'eu-west-1', perHour: 0.0912, checked: true },
  { region: 'eu-west-2', perHour: 0.101, checked: true },
  { region: 'eu-central-1', perHour: 0.097, checked: true },
  { region: 'eu-north-1', perHour: 0.091, checked: true },
  {
    region: 'ap-northeast-1',
    bands: [0.114, 0.089, 0.086, 0.084],
    interRegion: 0.09,
    perHour: 0.107,
  },
  {
    region: 'ap-southeast-1',
    bands: [0.12, 0.085, 0.082, 0.08],
    interRegion: 0.09,
    perHour: 0.098,
  },
  {
    region: 'ap-southeast-2',
    bands: [0.114, 0.098, 0.094, 0.092],
    interRegion: 0.098,
    perHour: 0.111,
  },
  {
    region: 'ap-south-1',
    bands: [0.1093, 0.085, 0.082, 0.08],
    interRegion: 0.086,
    perHour: 0.085,
  },
  {
    region: 'sa-east-1',
    bands: [0.15, 0.138, 0.126, 0.114],
    interRegion: 0.138,
    perHour: 0.131,
  },
]

export const awsPresets: Preset[] = regions.map(
  ({ region, bands = northAmericaAndEurope, interRegion = 0.02, perHour, checked = false }) => ({
    name: `aws/${region}`,
    meter: 'aws',
    gigabyte: gibibyte,
    source: `${page} (data transfer out, ${checked ? 'checked' : 'approximate'}; node approximate)`,
    approximate: !checked,
    priorUsageGB: freeGB,
    tiers: [
      [freeGB, 0],
      [10_240, bands[0]],
      [51_200, bands[1]],
      [153_600, bands[2]],
      [undefined, bands[3]],
    ],
    crossZone: 0.01,
    interRegion,
    node: { type: 'c6i.large', perHour },
    publicIPv4PerHour: 0.005,
  }),
)
