import { meterTokenHeader } from '@parley/protocol'
import type { z } from 'zod'
import type { ApiClient } from '../../runtime/client.ts'
import { type K8sObject, SECRETS } from '../../runtime/resources.ts'

/** Where the meter of a MeetingCluster is reached. */
export interface MeterTarget {
  key: string
  namespace: string
  /** Name of the meter's Service. */
  service: string
  /** Name of the Secret with the token. */
  tokenSecret: string
}

/** What a meter answers is small, even about a thousand pods; one that does not keep to it must harm nobody else. */
const MAX_BYTES = 1024 * 1024

/** Asks meters, through the API server so that it works from outside the cluster too, each with its token. */
export class MeterClient {
  readonly #client: Pick<ApiClient, 'get' | 'proxyGet'>
  readonly #tokens = new Map<string, string>()

  constructor(client: Pick<ApiClient, 'get' | 'proxyGet'>) {
    this.#client = client
  }

  /** @throws ApiError; ZodError where the answer is another one than the schema's */
  async get<T>(target: MeterTarget, path: string, schema: z.ZodType<T>): Promise<T> {
    try {
      const { namespace, service } = target
      const headers = { [meterTokenHeader]: await this.#token(target) }
      const answer = await this.#client.proxyGet<unknown>(
        namespace,
        service,
        path,
        headers,
        MAX_BYTES,
      )
      return schema.parse(answer)
    } catch (error) {
      // The token may be a new one.
      this.forget(target.key)
      throw error
    }
  }

  forget(key: string): void {
    this.#tokens.delete(key)
  }

  async #token({ key, namespace, tokenSecret }: MeterTarget): Promise<string> {
    const known = this.#tokens.get(key)
    if (known !== undefined) return known
    const secret = await this.#client.get<K8sObject & { data?: Record<string, string> }>(
      SECRETS,
      namespace,
      tokenSecret,
    )
    const token = Buffer.from(secret.data?.token ?? '', 'base64').toString()
    this.#tokens.set(key, token)
    return token
  }
}
