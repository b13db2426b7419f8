import type { PageConfig } from '@parley/protocol'
import { pageConfig } from '../../protocolShapes.ts'

export type LoadedConfig = { config: PageConfig; serverAheadMs: number }

const answerMs = 10_000
let loaded: Promise<LoadedConfig> | undefined

/** What the server says of itself, and how far its clock is ahead: asked for once, and again where that failed. */
export function loadPageConfig(): Promise<LoadedConfig> {
  loaded ??= ask().catch((error) => {
    loaded = undefined
    throw error
  })
  return loaded
}

async function ask(): Promise<LoadedConfig> {
  const response = await fetch('/api/config', { signal: AbortSignal.timeout(answerMs) })
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  const serverMs = Date.parse(response.headers.get('date') ?? '')
  return {
    config: pageConfig(await response.json()),
    serverAheadMs: Number.isFinite(serverMs) ? serverMs - Date.now() : 0,
  }
}
