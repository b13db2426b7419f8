import type { ApiClient, K8sObject, Resource } from '@parley/operator/runtime'

/** A watch of the bench's own: sees what any user of the API would see, and when. */
export class Watcher {
  readonly #stop = new AbortController()
  readonly #running: Promise<void>

  private constructor(running: (signal: AbortSignal) => Promise<void>) {
    this.#running = running(this.#stop.signal)
    // Told by `stop`; until then what waits for the watch says that it waits in vain.
    this.#running.catch(() => {})
  }

  /** @param onEvent is called for what happens from now on */
  static async start(
    client: ApiClient,
    resource: Resource,
    options: { metadataOnly?: boolean },
    onEvent: (type: string, object: K8sObject) => void,
  ): Promise<Watcher> {
    const { metadata } = await client.list(resource, undefined, { limit: 1 }, options)
    const query = { resourceVersion: metadata.resourceVersion, timeoutSeconds: 3600 }
    return new Watcher(async (signal) => {
      for await (const events of client.watch(resource, undefined, query, { ...options, signal })) {
        for (const { type, object } of events) onEvent(type, object)
      }
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }
}
