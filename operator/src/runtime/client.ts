import { createSecureContext } from 'node:tls'
import { types } from 'node:util'
import { KubeConfig } from '@kubernetes/client-node'
import { Pool } from 'undici'
import { Batches } from './batches.ts'
import {
  type ApiError,
  errorFromResponse,
  type FailedCall,
  Unavailable,
  Unreadable,
} from './errors.ts'
import { type Answer, type BodyReader, type ExchangeOptions, exchange } from './exchange.ts'
import { JsonListReader } from './json-list.ts'
import type { Metrics } from './metrics.ts'
import {
  decodeObject,
  decodeStatus,
  decodeWatchEvent,
  Frames,
  ListReader,
  METADATA,
  type Message,
} from './protobuf.ts'
import {
  collectionPath,
  type K8sObject,
  type ListBody,
  objectPath,
  type Resource,
  resourceName,
} from './resources.ts'
import { inShortLines } from './short-lines.ts'

const { isNativeError } = types

/** Everything the operator writes is written in this name; server-side apply tells its fields by it. */
export const FIELD_MANAGER = 'parley'

export interface ListQuery {
  labelSelector?: string
  limit?: number
  continue?: string
  resourceVersion?: string
}

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: K8sObject & { code?: number; message?: string }
}

/** What of objects is asked for. Default: all that is in them, as JSON. */
export interface ReadOptions {
  /** {@link ObjectMeta} alone. */
  metadataOnly?: boolean
  /** These fields alone: of the metadata, if that is all, else of a kind that is Kubernetes' own. */
  fields?: Message
}

const JSON_TYPE = 'application/json'
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'
const METADATA_TYPES = bothTypes(';as=PartialObjectMetadata;g=meta.k8s.io;v=v1')
const METADATA_LIST_TYPES = bothTypes(';as=PartialObjectMetadataList;g=meta.k8s.io;v=v1')
const OBJECT_TYPES = bothTypes('')
const APPLY = 'application/apply-patch+yaml'
/** Else the server parses what is applied a second time, for warnings about unknown fields that nobody reads. */
const UNCHECKED = 'fieldValidation=Ignore'
/** Writes and reads share these. Four, six and eight took as much CPU time. */
const CONNECTIONS = 16
/** Bookmarks come once a minute: a stream silent for longer has lost its server. */
const WATCH_SILENCE_MS = 150_000
const REQUEST_TIMEOUT_MS = 30_000
const CREDENTIALS_AGE_MS = 10_000

interface Call extends FailedCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  body?: string
  contentType?: string
  accept?: string
  signal?: AbortSignal | undefined
  /** Of the answer. Default: whatever comes, as of an API server. */
  maxBytes?: number | undefined
  reader?: ExchangeOptions['reader']
}

/** An answer that a pod makes up itself, as its metrics, may be this long. */
const PROXIED_MAX_BYTES = 4 * 1024 * 1024

/**
 * Raw JSON to and from the API server: no models in between, so no field is dropped or renamed on the way.
 * Every failure is one of the classes in errors.ts.
 */
export class ApiClient {
  readonly #config: KubeConfig
  readonly #metrics: Metrics
  readonly #host: string
  readonly #prefix: string
  readonly #requests: Pool
  readonly #watches: Pool
  #authorization: string | undefined
  #authorizedAt = Number.NEGATIVE_INFINITY

  private constructor(config: KubeConfig, metrics: Metrics, server: URL, tls: object) {
    this.#config = config
    this.#metrics = metrics
    this.#host = server.host
    this.#prefix = server.pathname.replace(/\/$/, '')
    // One for all: each connection would make its own, 130 KiB with the certificates in it.
    const connect = { ...tls, secureContext: createSecureContext(tls) }
    this.#requests = new Pool(server.origin, {
      connect,
      // Many small requests: HTTP/2 in Node costs more CPU, and would share one connection.
      allowH2: false,
      connections: CONNECTIONS,
      keepAliveTimeout: 60_000,
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
    })
    // Each watch holds a connection for minutes: apart from the others, and as many as needed.
    this.#watches = new Pool(server.origin, {
      connect,
      allowH2: false,
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: WATCH_SILENCE_MS,
    })
  }

  /** @param kubeconfig a file; without it the Pod's service account, or what KUBECONFIG names. */
  static async connect(kubeconfig: string | undefined, metrics: Metrics): Promise<ApiClient> {
    const unusable = (reason: string) =>
      new Unavailable(
        'NoCluster',
        0,
        { verb: 'connect', resource: 'cluster' },
        `${kubeconfig ?? 'the kubeconfig'} ${reason}: pass --kubeconfig FILE or set KUBECONFIG`,
      )
    const config = new KubeConfig()
    try {
      if (kubeconfig) config.loadFromFile(kubeconfig)
      else config.loadFromDefault()
    } catch (error) {
      throw unusable(`cannot be read (${firstLineOf(error)})`)
    }
    const server = config.getCurrentCluster()?.server
    if (!server) throw unusable('has no current cluster')
    const url = URL.parse(server)
    if (!url) throw unusable(`names a server that is no URL (${server})`)
    // What the library makes up where there is no kubeconfig at all.
    if (!kubeconfig && server === 'http://localhost:8080') throw unusable('is missing')
    try {
      const { ca, cert, key, rejectUnauthorized, servername } = await credentials(config)
      return new ApiClient(
        config,
        metrics,
        url,
        omitUndefined({ ca, cert, key, rejectUnauthorized, servername }),
      )
    } catch (error) {
      throw unusable(`has credentials that cannot be used (${firstLineOf(error)})`)
    }
  }

  /** @throws NotFound */
  get<T extends K8sObject>(resource: Resource, namespace: string | undefined, name: string) {
    return this.#json<T>({
      ...target('get', resource, namespace, name),
      method: 'GET',
      path: objectPath(resource, namespace, name),
    })
  }

  /**
   * Only the metadata, from the API server's own cache: cheap, and may be some milliseconds old.
   * @returns undefined when there is no such object.
   */
  async peek(resource: Resource, namespace: string | undefined, name: string) {
    const path = `${objectPath(resource, namespace, name)}?resourceVersion=0`
    const call = target('get', resource, namespace, name)
    const answer = await this.#send({ ...call, method: 'GET', path, accept: METADATA_TYPES })
    return answer.status === 404 ? undefined : objectIn<K8sObject>(answer, call)
  }

  async list(
    resource: Resource,
    namespace: string | undefined,
    query: ListQuery = {},
    options: ReadOptions & { signal?: AbortSignal } = {},
  ): Promise<ListBody> {
    const items: K8sObject[] = []
    const metadata = await this.each(resource, namespace, query, options, (object) => {
      items.push(object)
    })
    return { metadata, items }
  }

  /**
   * A list whose objects are given one by one as they come in, so that they need not be in memory together. When it
   * fails some may have been given already.
   * @returns the metadata of the list
   */
  async each(
    resource: Resource,
    namespace: string | undefined,
    query: ListQuery,
    options: ReadOptions & { signal?: AbortSignal },
    onObject: (object: K8sObject) => void,
  ): Promise<ListBody['metadata']> {
    const call = target('list', resource, namespace)
    let list: ListReader | JsonListReader | undefined
    const answer = await this.#send({
      ...call,
      method: 'GET',
      path: `${collectionPath(resource, namespace)}${search({ ...query })}`,
      accept: acceptedTypes(options, METADATA_LIST_TYPES),
      signal: options.signal,
      reader: (status, headers) => {
        if (status >= 400) return undefined
        const reader = isProtobuf(headers['content-type'])
          ? new ListReader(options.fields ?? METADATA, onObject as (o: object) => void)
          : new JsonListReader(onObject)
        list = reader
        return readable((chunk) => reader.take(chunk), headers, call)
      },
    })
    if (!list) throw failed(answer, call)
    try {
      return list.end()
    } catch (error) {
      throw unreadable(answer.headers, call, error)
    }
  }

  create<T extends K8sObject>(resource: Resource, namespace: string | undefined, object: object) {
    return this.#json<T>({
      ...target('create', resource, namespace),
      method: 'POST',
      path: `${collectionPath(resource, namespace)}?fieldManager=${FIELD_MANAGER}`,
      body: JSON.stringify(object),
      contentType: 'application/json',
    })
  }

  /** Replaces the whole object. @throws Conflict when `object.metadata.resourceVersion` is not the newest. */
  update<T extends K8sObject>(resource: Resource, object: K8sObject) {
    const { namespace, name } = object.metadata
    return this.#json<T>({
      ...target('update', resource, namespace, name),
      method: 'PUT',
      path: `${objectPath(resource, namespace, name)}?fieldManager=${FIELD_MANAGER}`,
      body: JSON.stringify(object),
      contentType: 'application/json',
    })
  }

  /**
   * Server-side apply: the fields in `body` become as given and ours, other fields stay.
   * @param body the object as JSON text
   * @param options.force take fields from others; default true
   * @param options.manager in whose name; default {@link FIELD_MANAGER}
   * @param options.fields what of the object is wanted; default: its metadata
   * @returns the object as it is now
   * @throws Conflict where a field is somebody else's and not to be taken
   */
  async apply(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    body: string,
    options: { dryRun?: boolean; fields?: Message; force?: boolean; manager?: string } = {},
  ): Promise<K8sObject> {
    const { dryRun, fields, force = true, manager = FIELD_MANAGER } = options
    const query = `fieldManager=${manager}&force=${force}&${UNCHECKED}${dryRun ? '&dryRun=All' : ''}`
    const call = target('patch', resource, namespace, name)
    const answer = await this.#send({
      ...call,
      method: 'PATCH',
      path: `${objectPath(resource, namespace, name)}?${query}`,
      body: inShortLines(body),
      contentType: APPLY,
      accept: fields ? OBJECT_TYPES : METADATA_TYPES,
    })
    return objectIn<K8sObject>(answer, call, fields)
  }

  /** Server-side apply of the status subresource. @returns the whole object as it is now */
  applyStatus<T extends K8sObject>(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    body: object,
  ): Promise<T> {
    return this.#json<T>({
      ...target('patch', resource, namespace, name, 'status'),
      method: 'PATCH',
      path: `${objectPath(resource, namespace, name)}/status?fieldManager=${FIELD_MANAGER}&force=true&${UNCHECKED}`,
      body: inShortLines(JSON.stringify(body)),
      contentType: APPLY,
    })
  }

  /** JSON merge patch. @returns the metadata of the object as it is now */
  async mergePatch(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    patch: object,
  ): Promise<K8sObject> {
    const call = target('patch', resource, namespace, name)
    const answer = await this.#send({
      ...call,
      method: 'PATCH',
      path: `${objectPath(resource, namespace, name)}?fieldManager=${FIELD_MANAGER}`,
      body: JSON.stringify(patch),
      contentType: 'application/merge-patch+json',
      accept: METADATA_TYPES,
    })
    return objectIn<K8sObject>(answer, call)
  }

  /** Whether the API server knows this kind: false while its CRD is not installed. */
  async serves({ group, version, plural }: Resource): Promise<boolean> {
    const call = { verb: 'get', resource: `apis/${group}/${version}` }
    const answer = await this.#send({
      ...call,
      method: 'GET',
      path: `/apis/${group}/${version}`,
    })
    if (answer.status === 404) return false
    const { resources = [] } = objectIn<{ resources?: { name: string }[] }>(answer, call)
    return resources.some(({ name }) => name === plural)
  }

  /** What the API server is, as `v1.36.3`. */
  async version(): Promise<string> {
    const call = { verb: 'get', resource: 'version' } as const
    const { gitVersion } = await this.#json<K8sObject & { gitVersion: string }>({
      ...call,
      ...{ method: 'GET', path: '/version' },
    })
    return gitVersion
  }

  /** Deletes that very object, in the background; one that is gone already is fine. @throws Conflict if the uid differs */
  async delete(resource: Resource, namespace: string | undefined, name: string, uid: string) {
    const call = target('delete', resource, namespace, name)
    const answer = await this.#send({
      ...call,
      method: 'DELETE',
      path: objectPath(resource, namespace, name),
      body: JSON.stringify({ propagationPolicy: 'Background', preconditions: { uid } }),
      contentType: JSON_TYPE,
      accept: METADATA_TYPES,
    })
    if (answer.status !== 404) mustBeOfApi(answer, call)
  }

  /**
   * GET through the API server's service proxy. @returns the body as JSON
   * @param maxBytes of the answer: whoever is behind the Service makes it up
   */
  proxyGet<T>(
    namespace: string,
    service: string,
    path: string,
    headers: Record<string, string>,
    maxBytes?: number,
  ): Promise<T> {
    return this.#json<T>(
      {
        verb: 'get',
        resource: 'services/proxy',
        namespace,
        name: service,
        method: 'GET',
        path: `/api/v1/namespaces/${namespace}/services/${service}/proxy${path}`,
        signal: AbortSignal.timeout(5_000),
        maxBytes,
      },
      headers,
    )
  }

  /** GET of a pod through the API server. @returns the body as text */
  async podProxyText(namespace: string, pod: string, port: number, path: string): Promise<string> {
    const call = { verb: 'get', resource: 'pods/proxy', namespace, name: pod }
    const answer = await this.#send({
      ...call,
      method: 'GET',
      path: `/api/v1/namespaces/${namespace}/pods/http:${pod}:${port}/proxy${path}`,
      accept: 'text/plain',
      signal: AbortSignal.timeout(5_000),
      maxBytes: PROXIED_MAX_BYTES,
    })
    if (answer.status >= 400) throw failed(answer, call)
    return answer.body.toString()
  }

  /**
   * One watch from a resource version, until the server or the signal ends it. Events come in batches, as they
   * arrive on the wire. What `knows` says of a resource version that it is known already is left out, unparsed.
   * @throws Expired, Unavailable, Forbidden, TooManyRequests
   */
  async *watch(
    resource: Resource,
    namespace: string | undefined,
    query: { resourceVersion: string; labelSelector?: string; timeoutSeconds: number },
    options: ReadOptions & {
      knows?: (resourceVersion: string) => boolean
      signal: AbortSignal
    },
  ): AsyncGenerator<WatchEvent[]> {
    const call = target('watch', resource, namespace)
    const path = `${collectionPath(resource, namespace)}${search({ ...query, watch: 1, allowWatchBookmarks: true })}`
    const left = new AbortController()
    const batches = new Batches<WatchEvent>()
    try {
      const answer = exchange(this.#watches, {
        method: 'GET',
        path: this.#prefix + path,
        headers: await this.#headers(acceptedTypes(options, METADATA_TYPES)),
        signal: AbortSignal.any([options.signal, left.signal]),
        reader: (status, headers) => {
          this.#count('GET', status)
          if (status >= 400) return undefined
          const read = isProtobuf(headers['content-type'])
            ? framedEvents(options.fields ?? METADATA, options.knows)
            : lineEvents(options.knows)
          return readable((chunk) => batches.add(read(chunk)), headers, call)
        },
      })
      yield* batches.until(answer)
      mustBeOfApi(await answer, call)
    } catch (error) {
      if (options.signal.aborted) return
      throw asApiError(error, call)
    } finally {
      left.abort()
    }
  }

  /** Ends all requests but watches at once, those under way too, and takes no more. */
  cutOff(): Promise<void> {
    return this.#requests.destroy()
  }

  async close(): Promise<void> {
    await Promise.all([this.#requests.destroy(), this.#watches.destroy()])
  }

  async #json<T>(call: Call, headers: Record<string, string> = {}): Promise<T> {
    return objectIn<T>(await this.#send(call, headers), call)
  }

  async #send(call: Call, extra?: Record<string, string>): Promise<Answer> {
    const headers = await this.#headers(call.accept ?? JSON_TYPE)
    if (call.contentType) headers['content-type'] = call.contentType
    if (extra) Object.assign(headers, extra)
    const { maxBytes, reader } = call
    try {
      const answer = await exchange(this.#requests, {
        method: call.method,
        path: this.#prefix + call.path,
        headers,
        body: call.body ?? null,
        signal: call.signal,
        maxBytes,
        reader,
        tooLong: () =>
          new Unavailable('TooLong', 0, call, `an answer of more than ${maxBytes} bytes`),
      })
      this.#count(call.method, answer.status)
      return answer
    } catch (error) {
      this.#count(call.method, '<error>')
      throw asApiError(error, call)
    }
  }

  /** KubeConfig re-reads tokens and runs exec plugins, and reads files for it: asked every few seconds only. */
  async #headers(accept: string): Promise<Record<string, string>> {
    if (Date.now() - this.#authorizedAt > CREDENTIALS_AGE_MS) {
      const { headers, auth } = await credentials(this.#config)
      this.#authorizedAt = Date.now()
      this.#authorization =
        headers?.Authorization?.trim() ??
        (auth ? `Basic ${Buffer.from(auth).toString('base64')}` : undefined)
    }
    const result: Record<string, string> = { accept, 'user-agent': 'parley-operator' }
    if (this.#authorization) result.authorization = this.#authorization
    return result
  }

  #count(method: string, code: number | string) {
    this.#metrics.requests.inc({ code, method, host: this.#host })
  }
}

interface Credentials {
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
  rejectUnauthorized?: boolean
  servername?: string
  headers?: { Authorization?: string }
  auth?: string
}

async function credentials(config: KubeConfig): Promise<Credentials> {
  const options: Credentials = {}
  await config.applyToHTTPSOptions(options as object)
  return options
}

function target(
  verb: string,
  resource: Resource,
  namespace?: string,
  name?: string,
  subresource?: string,
): FailedCall {
  return { verb, resource: resourceName(resource, subresource), namespace, name }
}

function search(query: Record<string, string | number | boolean | undefined>): string {
  const text = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
    .join('&')
  return text ? `?${text}` : ''
}

const VERSION = '"resourceVersion":"'

/** Of the object of a watch event: the API server writes its metadata before anything that could look like it. */
function versionIn(line: string): string {
  const start = line.indexOf(VERSION) + VERSION.length
  return start < VERSION.length ? '' : line.slice(start, line.indexOf('"', start))
}

function asApiError(error: unknown, call: FailedCall): ApiError {
  if (isNativeError(error) && 'call' in error) return error as ApiError
  const cause = isNativeError(error) ? error : new Error(String(error))
  const code = 'code' in cause ? String(cause.code) : cause.name
  const failure = new Unavailable('Unavailable', 0, call, `no answer from the API server (${code})`)
  failure.cause = cause
  return failure
}

/** Protobuf, or JSON of an API server that has no protobuf of this kind. */
function bothTypes(parameters: string): string {
  return `${PROTOBUF_TYPE}${parameters},${JSON_TYPE}${parameters}`
}

function acceptedTypes({ metadataOnly, fields }: ReadOptions, ofMetadata: string): string {
  if (metadataOnly) return ofMetadata
  return fields ? OBJECT_TYPES : JSON_TYPE
}

function isProtobuf(type: string | string[] | undefined): boolean {
  return headerText(type)?.startsWith(PROTOBUF_TYPE) === true
}

/**
 * @param fields of an answer in protobuf
 * @throws what the server says went wrong; Unreadable, as where a page of a proxy came
 */
function objectIn<T>(answer: Answer, call: FailedCall, fields: Message = METADATA): T {
  const { status, headers, body } = answer
  if (status >= 400) throw failed(answer, call)
  try {
    return (
      isProtobuf(headers['content-type']) ? decodeObject(body, fields) : JSON.parse(body.toString())
    ) as T
  } catch (error) {
    throw unreadable(headers, call, error)
  }
}

/** For where nobody reads what came. @throws as {@link objectIn} */
function mustBeOfApi(answer: Answer, call: FailedCall): void {
  const { status, headers } = answer
  if (status >= 400) throw failed(answer, call)
  const type = headerText(headers['content-type'])
  if (status < 300 && (isProtobuf(type) || type?.startsWith(JSON_TYPE))) return
  throw unreadable(headers, call, new Error(`status ${status}`))
}

function unreadable(headers: Answer['headers'], call: FailedCall, cause: unknown): Unreadable {
  return new Unreadable(call, headerText(headers['content-type']) ?? 'of no type', cause)
}

/** @throws Unreadable where the reader throws */
function readable(read: BodyReader, headers: Answer['headers'], call: FailedCall): BodyReader {
  return (chunk) => {
    try {
      read(chunk)
    } catch (error) {
      throw unreadable(headers, call, error)
    }
  }
}

function failed({ status, headers, body }: Answer, call: FailedCall): ApiError {
  const text = isProtobuf(headers['content-type'])
    ? JSON.stringify(decodeStatus(body))
    : body.toString()
  return errorFromResponse(status, text, call, headerText(headers['retry-after']))
}

/** Takes the pieces of a watch as they come in. @returns the events that are whole now, without what is known */
type EventReader = (chunk: Buffer) => WatchEvent[]
type Knows = ((resourceVersion: string) => boolean) | undefined

function lineEvents(knows: Knows): EventReader {
  const decoder = new TextDecoder()
  let rest = ''
  return (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    return lines.flatMap((line) =>
      knows?.(versionIn(line)) ? [] : (JSON.parse(line) as WatchEvent),
    )
  }
}

function framedEvents(fields: Message, knows: Knows): EventReader {
  const frames = new Frames()
  return (chunk) =>
    frames
      .take(chunk)
      .flatMap((frame) => (decodeWatchEvent(frame, fields, knows) as WatchEvent | undefined) ?? [])
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

/** Parsers add a picture of the place in further lines. */
function firstLineOf(error: unknown): string {
  const message = isNativeError(error) ? error.message : String(error)
  return message.split('\n', 1)[0] ?? ''
}

function omitUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, entry]) => entry !== undefined),
  ) as Partial<T>
}
