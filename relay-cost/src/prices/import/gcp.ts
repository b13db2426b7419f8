import { z } from 'zod'
import { priceList } from '../list.ts'
import { fromPico } from '../money.ts'
import {
  dayOf,
  type Imported,
  type ImportRequest,
  importError,
  type JsonEntry,
  mostCommon,
  ofShape,
  type PriceImporter,
  type Step,
  tiersOf,
} from './import.ts'

/**
 * SKUs of Google's Cloud Billing catalog, service Compute Engine (6F81-5844-456A):
 * `GET https://cloudbilling.googleapis.com/v1/services/6F81-5844-456A/skus`, page by page.
 * https://cloud.google.com/billing/docs/reference/rest/v1/services.skus/list
 */
const skuSchema = z.object({
  skuId: z.string(),
  description: z.string(),
  category: z.object({ resourceGroup: z.string(), usageType: z.string() }),
  serviceRegions: z.array(z.string()),
  pricingInfo: z
    .array(
      z.object({
        effectiveTime: z.string(),
        pricingExpression: z.object({
          usageUnit: z.string(),
          tieredRates: z.array(
            z.object({
              startUsageAmount: z.number().nonnegative(),
              unitPrice: z.object({
                currencyCode: z.string(),
                units: z.string().regex(/^\d+$/).default('0'),
                nanos: z.int().nonnegative().default(0),
              }),
            }),
          ),
        }),
      }),
    )
    .min(1),
})
type Sku = z.infer<typeof skuSchema>

type Kind = 'internet' | 'crossZone' | 'interRegion' | 'core' | 'ram' | 'address'

export class GcpPrices implements PriceImporter {
  readonly paths = ['$.skus.*']
  #request: Required<ImportRequest>
  #machine: { series: string; cores: number; gibibytes: number }
  #steps = new Map<Kind, Step[][]>()
  #regions = new Set<string>()
  #latest = ''
  #currency = ''

  constructor(request: ImportRequest) {
    const node = request.node ?? 'n2-standard-2'
    this.#request = { networkTier: 'premium', ...request, node }
    this.#machine = machineOf(node)
  }

  add({ value }: JsonEntry): void {
    const sku = ofShape(skuSchema, value)
    const kind = sku && this.#kindOf(sku)
    if (!kind) return
    const info = sku.pricingInfo.reduce((a, b) => (a.effectiveTime >= b.effectiveTime ? a : b))
    if (info.effectiveTime > this.#latest) this.#latest = info.effectiveTime
    const steps = info.pricingExpression.tieredRates.map(({ startUsageAmount, unitPrice }) => {
      this.#currency = unitPrice.currencyCode
      const pico = BigInt(unitPrice.units) * 10n ** 12n + BigInt(unitPrice.nanos) * 1000n
      return { fromGB: startUsageAmount, perGB: fromPico(pico) }
    })
    this.#steps.set(kind, [...(this.#steps.get(kind) ?? []), steps])
  }

  result(): Imported {
    const { region, node, networkTier } = this.#request
    const internet = mostCommon(
      (this.#steps.get('internet') ?? []).map((steps) => tiersOf(steps, `GCP egress of ${region}`)),
      (tiers) => tiers.at(-1)?.perGB ?? 0,
    )
    if (!internet)
      throw importError(
        `no internet egress (${networkTier} tier) of region ${region} in the files (they have ${[...this.#regions].sort().join(', ') || 'none'}); give all pages of the SKUs of Compute Engine, and the region as Google writes it, as europe-west3`,
      )
    const notes: string[] = []
    if (internet.others.length > 0)
      notes.push(
        `egress: the tiers of most destinations are taken (first ${firstPaid(internet.chosen)}); others begin at ${internet.others.map(firstPaid).join(', ')}`,
      )
    const single = (kind: Kind, missing: string) => {
      const found = mostCommon(
        (this.#steps.get(kind) ?? []).map((steps) => Math.max(...steps.map(({ perGB }) => perGB))),
        (price) => price,
      )
      if (!found) notes.push(missing)
      else if (found.others.length > 0)
        notes.push(
          `${kind}: ${found.chosen} is what most SKUs have; there is also ${found.others.sort((a, b) => a - b).join(', ')}`,
        )
      return found?.chosen ?? 0
    }
    const { cores, gibibytes } = this.#machine
    const noNode = `no price of ${node}: 0 is taken; give all pages of the SKUs`
    const core = single('core', noNode)
    const ram = single('ram', noNode)
    const prices = priceList({
      name: networkTier === 'standard' ? `gcp/${region}-standard` : `gcp/${region}`,
      region,
      networkTier,
      currency: this.#currency,
      asOf: dayOf(this.#latest, 'effectiveTime'),
      source: `Cloud Billing catalog, as effective from ${this.#latest}`,
      gigabyte: 2 ** 30,
      meter: 'gcp',
      tiers: internet.chosen,
      crossZone: single('crossZone', 'no price between zones: 0 is taken'),
      interRegion: single('interRegion', 'no price to other regions: 0 is taken'),
      node: { type: node, perHour: Number((core * cores + ram * gibibytes).toFixed(9)) },
      publicIPv4PerHour: single('address', 'no price of a public IPv4 address: 0 is taken'),
    })
    return { prices, notes: [...new Set(notes)] }
  }

  #kindOf({ description, category, serviceRegions }: Sku): Kind | undefined {
    const { region, networkTier } = this.#request
    const isHere = serviceRegions.includes(region)
    if (category.usageType !== 'OnDemand') return undefined
    const isInternet = /Data Transfer Out (to Internet )?from/.test(description)
    switch (category.resourceGroup) {
      case 'PremiumInternetEgress':
      case 'StandardInternetEgress': {
        if (!isInternet) return undefined
        for (const each of serviceRegions) this.#regions.add(each)
        const wanted =
          networkTier === 'premium' ? 'PremiumInternetEgress' : 'StandardInternetEgress'
        // To China and Australia other prices hold; few of a region's users are there.
        return isHere &&
          category.resourceGroup === wanted &&
          !/ to (China|Australia)/.test(description)
          ? 'internet'
          : undefined
      }
      case 'InterzoneEgress':
        return isHere || serviceRegions.includes('global') ? 'crossZone' : undefined
      case 'InterregionEgress':
        return isHere && / Out /.test(description) ? 'interRegion' : undefined
    }
    if (/^External IP Charge on a Standard VM/.test(description)) return 'address'
    const { series } = this.#machine
    if (!isHere || !new RegExp(`^${series} Instance (Core|Ram) running in`, 'i').test(description))
      return undefined
    return / Core /.test(description) ? 'core' : 'ram'
  }
}

function firstPaid(tiers: readonly { perGB: number }[]): number {
  return tiers.find(({ perGB }) => perGB > 0)?.perGB ?? 0
}

/** Google prices a machine by its cores and memory: `n2-standard-2` has 2 and 8 GiB. */
function machineOf(node: string): { series: string; cores: number; gibibytes: number } {
  const [, series, shape, cores] =
    /^([a-z]\d[a-z]?)-(standard|highmem|highcpu)-(\d+)$/.exec(node) ?? []
  if (!series || !shape || !cores)
    throw importError(
      `"${node}" is no machine type that can be priced by cores and memory; write it as n2-standard-2`,
    )
  const perCore = { standard: 4, highmem: 8, highcpu: 1 }[shape as 'standard']
  return { series, cores: Number(cores), gibibytes: Number(cores) * perCore }
}
