import { AwsPrices } from './aws.ts'
import { AzurePrices } from './azure.ts'
import { GcpPrices } from './gcp.ts'
import type { ImportRequest, PriceImporter } from './import.ts'

export const importSources = ['aws', 'gcp', 'azure'] as const
export type ImportSource = (typeof importSources)[number]

/**
 * Reads a vendor's own price files into a price list, with no network: hand every value at `paths` to
 * `add`, then ask for the `result`.
 * @throws {PricesError} `PRICES_IMPORT` where the node is of no form that the vendor has
 */
export function priceImporter(source: ImportSource, request: ImportRequest): PriceImporter {
  switch (source) {
    case 'aws':
      return new AwsPrices(request)
    case 'gcp':
      return new GcpPrices(request)
    case 'azure':
      return new AzurePrices(request)
  }
}
