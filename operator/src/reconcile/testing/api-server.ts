import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { K8sObject } from '../../runtime/resources.ts'

/** A kind as the API server serves it. */
interface Served {
  /** Of the group and version, such as `/apis/apps/v1`. */
  root: string
  apiVersion: string
  kind: string
  plural: string
  namespaced: boolean
}

interface Discovery {
  items: {
    metadata: { name?: string }
    versions: {
      version: string
      resources: {
        resource: string
        responseKind: { kind: string }
        scope: 'Namespaced' | 'Cluster'
        singularResource: string
        shortNames?: string[]
      }[]
    }[]
  }[]
}

interface Asked {
  body?: object
  contentType?: string
  accept?: string
}

interface Call {
  method: string
  path: string
  headers: Record<string, string | number>
  body: string
}

/** An answer that is no success. */
class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * What tests ask an API server again and again, as its administrator and over connections that stay open: a kubectl
 * takes thirty times as long to start and to find out what there is.
 */
export class ApiServer {
  readonly #server: URL
  readonly #agent: Agent
  #served: Promise<Map<string, Served>> | undefined

  private constructor(server: URL, agent: Agent) {
    this.#server = server
    this.#agent = agent
  }

  /** @param kubeconfig path of one with the certificate of an administrator in it */
  static async open(server: string, kubeconfig: string): Promise<ApiServer> {
    const agent = new Agent({ keepAlive: true, ...(await administrator(kubeconfig)) })
    return new ApiServer(new URL(server), agent)
  }

  close(): void {
    this.#agent.destroy()
  }

  /** @param kind as kubectl takes it: `Deployment`, `deployments`, `deploy`, `events.events.k8s.io` */
  async get(kind: string, name: string, namespace: string): Promise<K8sObject | undefined> {
    try {
      return (await this.#object(await this.#kind(kind), name, namespace)) as K8sObject
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return undefined
      throw error
    }
  }

  /** @param selector of labels */
  async list(kind: string, namespace: string, selector = ''): Promise<K8sObject[]> {
    const served = await this.#kind(kind)
    const path = `${pathOf(served, '', namespace)}?labelSelector=${encodeURIComponent(selector)}`
    const { items } = (await this.#ask('GET', path)) as { items: K8sObject[] }
    return items.map((item) => ({ apiVersion: served.apiVersion, ...item, kind: served.kind }))
  }

  /** Applies on the server; what somebody else has set otherwise is taken over. */
  async apply(object: K8sObject): Promise<void> {
    const { apiVersion = 'v1', kind = '', metadata } = object
    const [version = '', group = ''] = apiVersion.split('/').reverse()
    const served = await this.#kind(group ? `${kind}.${version}.${group}` : `${kind}.${version}.`)
    const query = 'fieldManager=tests&force=true&fieldValidation=Strict'
    await this.#object(served, metadata.name, metadata.namespace ?? 'default', {
      ...{ method: 'PATCH', query, body: object, contentType: 'application/apply-patch+yaml' },
    })
  }

  /** A JSON merge patch. @param subresource for example `status` */
  async patch(kind: string, name: string, namespace: string, body: object, subresource = '') {
    const served = await this.#kind(kind)
    const path = `${pathOf(served, name, namespace)}${subresource && `/${subresource}`}`
    await this.#ask('PATCH', path, { body, contentType: 'application/merge-patch+json' })
  }

  /** Resolves when it is gone. */
  async delete(kind: string, name: string, namespace: string): Promise<void> {
    const served = await this.#kind(kind)
    const { metadata } = (await this.#object(served, name, namespace)) as K8sObject
    await this.#object(served, name, namespace, {
      ...{ method: 'DELETE', body: { propagationPolicy: 'Background' } },
    })
    while ((await this.get(kind, name, namespace))?.metadata.uid === metadata.uid)
      await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** @param path of what is made of one, such as `…/pods/p/binding` */
  async create(path: string, body: object): Promise<void> {
    await this.#ask('POST', path, { body })
  }

  async #object(
    served: Served,
    name: string,
    namespace: string,
    { method = 'GET', query = '', ...asked }: Asked & { method?: string; query?: string } = {},
  ): Promise<object> {
    const path = pathOf(served, name, namespace)
    return this.#ask(method, query ? `${path}?${query}` : path, asked)
  }

  async #kind(name: string): Promise<Served> {
    const key = name.toLowerCase()
    this.#served ??= this.#discover()
    const known = (await this.#served.catch(() => undefined))?.get(key)
    if (known) return known
    this.#served = this.#discover()
    const found = (await this.#served).get(key)
    if (!found) throw new Error(`the API server has no kind ${name}`)
    return found
  }

  /** By every name that kubectl knows; of several, the one of the first group, and of its first version. */
  async #discover(): Promise<Map<string, Served>> {
    const served = new Map<string, Served>()
    for (const root of ['/api', '/apis']) {
      const { items } = (await this.#ask('GET', root, { accept: DISCOVERY })) as Discovery
      for (const { metadata, versions } of items) {
        const group = metadata.name ?? ''
        for (const { version, resources } of versions) {
          const at = group ? `${group}/${version}` : version
          for (const each of resources) {
            const kind = each.responseKind.kind
            const entry = {
              ...{ root: `${root}/${at}`, apiVersion: at, kind, plural: each.resource },
              namespaced: each.scope === 'Namespaced',
            }
            const names = [each.resource, each.singularResource, kind, ...(each.shortNames ?? [])]
            for (const name of names.map((text) => text.toLowerCase()))
              for (const known of [name, `${name}.${group}`, `${name}.${version}.${group}`])
                if (!served.has(known)) served.set(known, entry)
          }
        }
      }
    }
    return served
  }

  async #ask(method: string, path: string, asked: Asked = {}): Promise<object> {
    const { contentType = 'application/json', accept = 'application/json' } = asked
    const body = asked.body ? JSON.stringify(asked.body) : ''
    const headers = {
      ...{ accept, 'content-type': contentType },
      // Node says no length of what a DELETE has with it.
      'content-length': Buffer.byteLength(body),
    }
    const answer = await this.#exchange({ method, path, headers, body })
    const said = await text(answer)
    const status = answer.statusCode ?? 0
    if (status >= 300) throw new Refused(status, `${method} ${path}: ${said}`)
    return JSON.parse(said) as object
  }

  #exchange(call: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { path, method, headers, body } = call
      const outgoing = request(new URL(path, this.#server), { method, headers, agent: this.#agent })
      outgoing.setTimeout(20_000, () => outgoing.destroy(new Error(`${path}: no answer in 20 s`)))
      outgoing.on('response', resolve)
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // A server that was killed may have left this connection behind; nothing went over it.
        if (error.code === 'ECONNRESET' && outgoing.reusedSocket) resolve(this.#exchange(call))
        else reject(error)
      })
      outgoing.end(body)
    })
  }
}

/** All kinds in one answer. */
const DISCOVERY = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Of a kind, where the name is empty. */
function pathOf({ root, plural, namespaced }: Served, name: string, namespace: string): string {
  const within = namespaced ? `/namespaces/${namespace}` : ''
  return `${root}${within}/${plural}${name && `/${name}`}`
}

/** The certificates of a kubeconfig. */
export async function administrator(
  file: string,
): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> {
  const { clusters, users } = JSON.parse(await readFile(file, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[]
    users: { user: Record<string, string> }[]
  }
  const data = { ...clusters[0]?.cluster, ...users[0]?.user }
  const decoded = (key: string) => Buffer.from(data[`${key}-data`] ?? '', 'base64')
  return {
    ca: decoded('certificate-authority'),
    cert: decoded('client-certificate'),
    key: decoded('client-key'),
  }
}
