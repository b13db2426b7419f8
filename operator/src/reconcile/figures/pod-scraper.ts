import { Agent } from 'undici'
import type { ApiClient } from '../../runtime/client.ts'

/** Where a pod says its metrics. */
export interface ScrapeTarget {
  namespace: string
  name: string
  ip: string
  port: number
}

/** Reads `/metrics` of a pod, as text. Rejects where that fails. */
export interface PodScraper {
  scrape(target: ScrapeTarget): Promise<string>
  close(): Promise<void>
}

const TIMEOUT_MS = 3_000
const MAX_BYTES = 4 * 1024 * 1024

/** From a pod of the cluster: straight to the other pod, which needs no permission. */
export function directScraper(): PodScraper {
  const agent = new Agent({
    connectTimeout: TIMEOUT_MS,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    maxResponseSize: MAX_BYTES,
  })
  return {
    async scrape({ ip, port }) {
      const host = ip.includes(':') ? `[${ip}]` : ip
      const { statusCode, body } = await agent.request({
        origin: `http://${host}:${port}`,
        path: '/metrics',
        method: 'GET',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      const text = await body.text()
      if (statusCode !== 200) throw new Error(`/metrics answers ${statusCode}`)
      return text
    },
    close: () => agent.destroy(),
  }
}

/** From outside: through the API server, which needs the right to get pods/proxy. */
export function proxyScraper(client: Pick<ApiClient, 'podProxyText'>): PodScraper {
  return {
    scrape: ({ namespace, name, port }) => client.podProxyText(namespace, name, port, '/metrics'),
    close: async () => {},
  }
}
