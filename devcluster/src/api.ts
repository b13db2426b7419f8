import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DevclusterError } from './errors.ts'

export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  [field: string]: unknown
}

const FIELD_MANAGER = 'parley-devcluster'

/** As much of the Kubernetes API as bringing up a cluster takes: server-side apply and reads, as raw JSON. */
export class ApiClient {
  readonly server: string
  readonly #agent: Agent

  private constructor(server: string, agent: Agent) {
    this.server = server
    this.#agent = agent
  }

  /** A client with the rights of the administrator's certificate. */
  static async open(server: string, pki: string): Promise<ApiClient> {
    const [ca, cert, key] = await Promise.all(
      ['ca.crt', 'admin.crt', 'admin.key'].map((name) => readFile(join(pki, name))),
    )
    return new ApiClient(server, new Agent({ ca, cert, key, keepAlive: true, maxSockets: 8 }))
  }

  close(): void {
    this.#agent.destroy()
  }

  /** The object at a path such as `/api/v1/nodes/n1`, or undefined when there is none. */
  async get(path: string): Promise<Record<string, unknown> | undefined> {
    const { status, body } = await this.#send('GET', path)
    if (status === 404) return undefined
    if (status !== 200) throw refused('GET', path, status, body)
    return JSON.parse(body) as Record<string, unknown>
  }

  /** Server-side apply with this tool's field manager; `subresource` is for example `status`. */
  async apply(object: KubernetesObject, subresource?: string): Promise<void> {
    const path = `${pathOf(object)}${subresource ? `/${subresource}` : ''}?fieldManager=${FIELD_MANAGER}&force=true`
    const { status, body } = await this.#send('PATCH', path, JSON.stringify(object), {
      'content-type': 'application/apply-patch+yaml',
    })
    if (status !== 200 && status !== 201) throw refused('apply', path, status, body)
  }

  async delete(path: string): Promise<void> {
    const { status, body } = await this.#send('DELETE', path)
    if (status >= 300 && status !== 404) throw refused('DELETE', path, status, body)
  }

  /** Waits until the API server says that it is ready. `ended` is asked for a reason to give up early. */
  async waitReady(timeoutMs: number, ended: () => Promise<string | undefined>): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const answer = await this.#send('GET', '/readyz').catch(() => undefined)
      if (answer?.status === 200) return
      const reason = await ended()
      if (reason) throw new DevclusterError('PROCESS_ENDED', reason)
      if (performance.now() > deadline) {
        throw new DevclusterError(
          'TIMED_OUT',
          `the API server at ${this.server} is not ready after ${Math.round(timeoutMs / 1000)} s: ${answer?.body.slice(0, 500) ?? 'no answer'}`,
        )
      }
      await delay(50)
    }
  }

  #send(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        new URL(path, this.server),
        { method, agent: this.#agent, headers: { accept: 'application/json', ...headers } },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              body: Buffer.concat(chunks).toString('utf8'),
            }),
          )
          response.on('error', reject)
        },
      )
      outgoing.setTimeout(10_000, () => outgoing.destroy(new Error('no answer within 10 s')))
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }
}

function refused(verb: string, path: string, status: number, body: string): DevclusterError {
  return new DevclusterError(
    'REQUEST_FAILED',
    `the API server answers ${status} to ${verb} ${path}: ${body.slice(0, 500)}`,
  )
}

const PLURALS: Readonly<Record<string, string>> = { StorageClass: 'storageclasses' }

/** The API path of an object. Plurals are regular except for those above. Pure. */
export function pathOf(object: KubernetesObject): string {
  const { apiVersion, kind, metadata } = object
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const namespace = metadata.namespace ? `/namespaces/${metadata.namespace}` : ''
  const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`
  return `${root}${namespace}/${plural}/${metadata.name}`
}
