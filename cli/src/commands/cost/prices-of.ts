import {
  likelyPresets,
  loadPriceLists,
  loadPrices,
  type Prices,
  presetPrices,
  presets,
} from '@parley/relay-cost'
import { readTextFile } from '../../input.ts'

/** A preset's name, or a price file. @throws with the presets there are, when it is neither */
export async function pricesOf(fileOrPreset: string): Promise<Prices> {
  if (Object.hasOwn(presets, fileOrPreset)) return presetPrices(fileOrPreset)
  return loadPrices(await priceFile(fileOrPreset), fileOrPreset)
}

/** As {@link pricesOf}, with all lists of the file: other regions, and prices that changed. */
export async function priceListsOf(fileOrPreset: string): Promise<Prices[]> {
  if (Object.hasOwn(presets, fileOrPreset)) return [presetPrices(fileOrPreset)]
  return loadPriceLists(await priceFile(fileOrPreset), fileOrPreset)
}

async function priceFile(name: string): Promise<string> {
  try {
    return await readTextFile(name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(
      `there is no price file "${name}", and no preset of that name; presets: ${likelyPresets(name).join(', ')}`,
    )
  }
}
