export { type Priced, priceEgress, type Quantities } from './cost.ts'
export { loadPriceLists, loadPrices } from './file.ts'
export { type PricesAt, pricesOver } from './history.ts'
export type { Imported, ImportRequest, JsonEntry, PriceImporter } from './import/import.ts'
export { type ImportSource, importSources, priceImporter } from './import/index.ts'
export { presetsMarkdown } from './markdown.ts'
export type { Meter, MeterRule } from './meters.ts'
export { type ExactMoney, roundMoney } from './money.ts'
export {
  defaultPreset,
  likelyPresets,
  presetOfRegion,
  presetPrices,
  presets,
} from './presets.ts'
export {
  type NodeVariant,
  nodePerHour,
  nodeVariants,
  type Prices,
  type Tier,
} from './prices.ts'
export { pricesYaml } from './yaml.ts'
