import { z } from 'zod'
import { priceList } from '../list.ts'
import {
  dayOf,
  type Imported,
  type ImportRequest,
  importError,
  type JsonEntry,
  ofShape,
  type PriceImporter,
  type Step,
  tiersOf,
} from './import.ts'

/**
 * Answers of the Azure Retail Prices API, page by page:
 * `https://prices.azure.com/api/retail/prices?$filter=armRegionName eq 'westeurope'`.
 * https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
 */
const itemSchema = z.object({
  currencyCode: z.string(),
  tierMinimumUnits: z.number().nonnegative(),
  retailPrice: z.number().nonnegative(),
  armRegionName: z.string(),
  effectiveStartDate: z.string(),
  meterName: z.string(),
  productName: z.string(),
  skuName: z.string(),
  serviceName: z.string(),
  armSkuName: z.string().default(''),
  type: z.string(),
})
type Item = z.infer<typeof itemSchema>

type Kind = 'internet' | 'crossZone' | 'interRegion' | 'node' | 'address'

/** Egress over Microsoft's network, and over the nearest provider ("routing preference Internet"). */
const products = {
  premium: 'Rtn Preference: MGN',
  standard: 'Bandwidth - Routing Preference: Internet',
} as const

export class AzurePrices implements PriceImporter {
  readonly paths = ['$.Items.*']
  #request: Required<ImportRequest>
  #steps = new Map<Kind, Step[]>()
  #regions = new Set<string>()
  #latest = ''
  #currency = ''

  constructor(request: ImportRequest) {
    this.#request = { networkTier: 'premium', node: 'Standard_F2s_v2', ...request }
  }

  add({ value }: JsonEntry): void {
    const item = ofShape(itemSchema, value)
    const kind = item && this.#kindOf(item)
    if (!kind) return
    if (this.#currency !== '' && this.#currency !== item.currencyCode)
      throw importError(
        `the files are in ${this.#currency} and ${item.currencyCode}; ask the API for one currencyCode`,
      )
    this.#currency = item.currencyCode
    if (item.effectiveStartDate > this.#latest) this.#latest = item.effectiveStartDate
    const step = { fromGB: item.tierMinimumUnits, perGB: item.retailPrice }
    const steps = this.#steps.get(kind) ?? []
    // Pages may overlap: the same item twice is one.
    if (!steps.some(({ fromGB, perGB }) => fromGB === step.fromGB && perGB === step.perGB))
      this.#steps.set(kind, [...steps, step])
  }

  result(): Imported {
    const { region, node, networkTier } = this.#request
    const internet = this.#steps.get('internet')
    if (!internet)
      throw importError(
        `no internet egress ("Standard Data Transfer Out" of "${products[networkTier]}") of region ${region} in the files (they have ${[...this.#regions].sort().join(', ') || 'none'}); give all pages of the answer, and the region as Azure writes it, as westeurope`,
      )
    const notes: string[] = []
    const single = (kind: Kind, missing: string) => {
      const found = this.#steps.get(kind)?.map(({ perGB }) => perGB)
      if (!found) notes.push(missing)
      return found ? Math.max(...found) : 0
    }
    const prices = priceList({
      name: networkTier === 'standard' ? `azure/${region}-standard` : `azure/${region}`,
      region,
      networkTier,
      currency: this.#currency,
      asOf: dayOf(this.#latest, 'effectiveStartDate'),
      source: `Azure Retail Prices API, as effective from ${this.#latest}`,
      gigabyte: 2 ** 30,
      meter: 'azure',
      tiers: tiersOf(internet, `Azure egress of ${region}`),
      // Not charged; the meter is there in some regions.
      crossZone: this.#steps.has('crossZone') ? single('crossZone', '') : 0,
      interRegion: single('interRegion', 'no price to other regions: 0 is taken'),
      node: {
        type: node,
        perHour: single(
          'node',
          `no price of ${node}: 0 is taken; give the pages of Virtual Machines`,
        ),
      },
      publicIPv4PerHour: single(
        'address',
        'no price of a public IPv4 address: 0 is taken; give the pages of Virtual Network',
      ),
    })
    return { prices, notes }
  }

  #kindOf(item: Item): Kind | undefined {
    const { region, node, networkTier } = this.#request
    if (item.type !== 'Consumption') return undefined
    const isInternet =
      item.serviceName === 'Bandwidth' && item.meterName === 'Standard Data Transfer Out'
    if (isInternet) this.#regions.add(item.armRegionName)
    const isHere = item.armRegionName === region
    if (isInternet)
      return isHere && item.productName === products[networkTier] ? 'internet' : undefined
    if (/IPv4 Static Public IP$/.test(item.meterName) && /^Standard/.test(item.skuName))
      return isHere || item.armRegionName === '' || item.armRegionName === 'Global'
        ? 'address'
        : undefined
    if (!isHere) return undefined
    if (item.serviceName === 'Bandwidth') {
      if (/^Standard Inter-Availability Zone/.test(item.meterName)) return 'crossZone'
      // Of the same continent; to others ("Inter Continent") costs more, and pods of ours are near.
      if (/^Intra[ -]Continent Data Transfer Out/.test(item.meterName)) return 'interRegion'
    }
    const isNode =
      item.serviceName === 'Virtual Machines' &&
      item.armSkuName === node &&
      !/Windows/.test(item.productName) &&
      !/Spot|Low Priority/.test(item.skuName)
    return isNode ? 'node' : undefined
  }
}
