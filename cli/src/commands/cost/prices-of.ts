import { loadPrices, type Prices, presetPrices, presets } from '@parley/relay-cost'
import { readTextFile } from '../../input.ts'

/** A preset's name, or a price file. @throws with the presets there are, when it is neither */
export async function pricesOf(fileOrPreset: string): Promise<Prices> {
  if (Object.hasOwn(presets, fileOrPreset)) return presetPrices(fileOrPreset)
  try {
    return loadPrices(await readTextFile(fileOrPreset), fileOrPreset)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(
      `there is no price file "${fileOrPreset}", and no preset of that name; presets: ${Object.keys(presets).join(', ')}`,
    )
  }
}
