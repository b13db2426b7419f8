import { z } from 'zod'
import { priceList } from '../list.ts'
import {
  dayOf,
  decimalText,
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
 * AWS's price list files (offer files, version v1.0): `AWSDataTransfer` has what leaves, `AmazonEC2` the
 * nodes, `AmazonVPC` the public addresses. `products` comes before `terms` in them.
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
 */
const productSchema = z.object({
  sku: z.string(),
  attributes: z.record(z.string(), z.string()),
})

const termsSchema = z.record(
  z.string(),
  z.object({
    priceDimensions: z.record(
      z.string(),
      z.object({
        unit: z.string(),
        beginRange: z.string().optional(),
        pricePerUnit: z.record(z.string(), decimalText),
      }),
    ),
  }),
)

type Kind = 'internet' | 'crossZone' | 'interRegion' | 'node' | 'address'

export class AwsPrices implements PriceImporter {
  readonly paths = ['$.publicationDate', '$.products.*', '$.terms.OnDemand.*']
  #request: ImportRequest & { node: string }
  #kinds = new Map<string, Kind>()
  #steps = new Map<Kind, Step[][]>()
  #regions = new Set<string>()
  #published = ''
  #currency = ''

  constructor(request: ImportRequest) {
    this.#request = { ...request, node: request.node ?? 'c6i.large' }
  }

  add({ path, value }: JsonEntry): void {
    if (path[0] === 'publicationDate' && typeof value === 'string' && value > this.#published)
      this.#published = value
    if (path[0] === 'products') this.#addProduct(value)
    if (path[0] === 'terms') this.#addTerms(String(path.at(-1)), value)
  }

  result(): Imported {
    const { region, node } = this.#request
    const internet = this.#steps.get('internet')
    if (!internet)
      throw importError(
        `no internet egress of region ${region} in the files (they have ${[...this.#regions].sort().join(', ') || 'none'}); give AWS's offer file AWSDataTransfer, and the region as AWS writes it, as eu-central-1`,
      )
    const tiers = mostCommon(
      internet.map((steps) => tiersOf(steps, `AWS egress of ${region}`)),
      (each) => each[0]?.perGB ?? 0,
    )
    const notes: string[] = []
    const single = (kind: Kind, missing: string) => {
      const found = mostCommon(
        (this.#steps.get(kind) ?? []).map((steps) => steps.at(-1)?.perGB ?? 0),
        (price) => price,
      )
      if (!found) notes.push(missing)
      else if (found.others.length > 0)
        notes.push(
          `${kind}: ${found.chosen} is what most of the file has; there is also ${found.others.sort((a, b) => a - b).join(', ')}`,
        )
      return found?.chosen ?? 0
    }
    const prices = priceList({
      name: `aws/${region}`,
      region,
      currency: this.#currency,
      asOf: dayOf(this.#published, 'publicationDate'),
      source: `AWS price list of ${this.#published}`,
      gigabyte: 2 ** 30,
      meter: 'aws',
      tiers: tiers?.chosen ?? [],
      crossZone: single('crossZone', 'no price between zones: 0 is taken'),
      interRegion: single('interRegion', 'no price to other regions: 0 is taken'),
      node: {
        type: node,
        perHour: single(
          'node',
          `no price of ${node}: 0 is taken; give the offer file AmazonEC2 too`,
        ),
      },
      publicIPv4PerHour: single(
        'address',
        'no price of a public IPv4 address: 0 is taken; give the offer file AmazonVPC too',
      ),
    })
    return { prices, notes }
  }

  #addProduct(value: unknown): void {
    const product = ofShape(productSchema, value)
    const kind = product && this.#kindOf(product.attributes)
    if (kind) this.#kinds.set(product.sku, kind)
  }

  #kindOf(attributes: Record<string, string>): Kind | undefined {
    const { region, node } = this.#request
    const { transferType, usagetype = '' } = attributes
    const from = attributes.fromRegionCode ?? attributes.regionCode
    if (transferType === 'AWS Outbound' && attributes.toLocation === 'External' && from)
      this.#regions.add(from)
    if (from !== region) return undefined
    switch (transferType) {
      case 'AWS Outbound':
        return attributes.toLocation === 'External' && /DataTransfer-Out-Bytes$/.test(usagetype)
          ? 'internet'
          : undefined
      case 'IntraRegion':
        return /DataTransfer-Regional-Bytes$/.test(usagetype) ? 'crossZone' : undefined
      case 'InterRegion Outbound':
        return 'interRegion'
    }
    if (/PublicIPv4:InUseAddress$/.test(usagetype)) return 'address'
    const isNode =
      attributes.instanceType === node &&
      attributes.operatingSystem === 'Linux' &&
      attributes.tenancy === 'Shared' &&
      attributes.preInstalledSw === 'NA' &&
      attributes.capacitystatus === 'Used'
    return isNode ? 'node' : undefined
  }

  #addTerms(sku: string, value: unknown): void {
    const kind = this.#kinds.get(sku)
    if (!kind) return
    const terms = ofShape(termsSchema, value)
    if (!terms) throw importError(`the terms of ${sku} are of no known form; fetch the file again`)
    for (const { priceDimensions } of Object.values(terms)) {
      const steps = Object.values(priceDimensions).map(({ beginRange = '0', pricePerUnit }) => {
        const [currency, price] = Object.entries(pricePerUnit)[0] ?? []
        if (!currency || price === undefined)
          throw importError(`the terms of ${sku} have no price; fetch the file again`)
        this.#currency = currency
        return { fromGB: Number(beginRange), perGB: Number(price) }
      })
      this.#steps.set(kind, [...(this.#steps.get(kind) ?? []), steps])
    }
  }
}
