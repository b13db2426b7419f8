import { pino } from 'pino'
import type { MeetingCluster } from '../../api/index.ts'
import type { ApiClient } from '../../runtime/client.ts'
import type { Reconcile } from '../../runtime/controller.ts'
import { Conflict, NotFound } from '../../runtime/errors.ts'
import { FakeClock } from '../../runtime/fake-clock.ts'
import type { K8sObject, Resource } from '../../runtime/resources.ts'
import { meetingClusterReconciler } from '../reconcile.ts'
import type { RestingStates } from '../resting.ts'
import { ReferencedSecrets } from '../secrets/referenced.ts'
import { World } from '../world.ts'

const OWNER_UID = 'uid-of-owner'
const log = pino({ level: 'silent' })
/** No clock asks for another pass after just this time. */
export const LOOK_AGAIN_MS = 120_001

/** An object with anything in it. */
// biome-ignore lint/suspicious/noExplicitAny: tests change anything in objects of many kinds
export type Loose = K8sObject & Record<string, any>

/**
 * One MeetingCluster and the objects that were applied for it, with operators that are the real reconciler on real stores.
 * What people do by hand is in the stores at once, as if the watch had brought it. Nothing of Kubernetes acts.
 */
export class InMemoryCluster {
  static readonly KEY = 'meetings/demo'
  readonly clock = new FakeClock()
  /** Requests of all kinds, and those of them that change something. */
  requests = 0
  writes = 0
  /** What the API server answers to whoever wants to write an object. */
  refusal: Error | undefined
  /** By `Kind/name`. */
  readonly #objects = new Map<string, Loose>()
  readonly #nodes = new Map<string, Loose>()
  readonly #pods = new Map<string, Loose>()
  /** What each operator that runs has seen. */
  #worlds: World[] = []
  #version = 100
  #uids = 0
  #owner: Loose

  constructor(mc: MeetingCluster) {
    const metadata = { ...mc.metadata, uid: OWNER_UID, creationTimestamp: '2026-01-01' }
    this.#owner = { ...mc, metadata: { ...metadata, generation: 1, resourceVersion: '1' } } as Loose
  }

  /** Another wish, merged into the present one. */
  spec(change: object): void {
    const { metadata, spec } = this.#owner
    const generation = (metadata.generation ?? 0) + 1
    const resourceVersion = this.#next()
    this.#owner = {
      ...{ ...this.#owner, metadata: { ...metadata, generation, resourceVersion } },
      spec: { ...spec, ...change },
    }
    for (const { clusters } of this.#worlds) clusters.upsert(copyOf(this.#owner))
  }

  get status(): unknown {
    return this.#owner.status
  }

  /** `Kind/name` of what is there, in order. */
  get names(): string[] {
    return [...this.#objects.keys()].sort()
  }

  /** What people see of it, but for the counts of the API server. */
  wishes(): Record<string, unknown> {
    return Object.fromEntries(
      this.names.map((key) => {
        const { metadata, ...content } = copyOf(this.#objects.get(key) as Loose)
        const { uid: _, resourceVersion: __, generation: ___, ...rest } = metadata
        return [key, { ...content, metadata: rest }]
      }),
    )
  }

  /** Somebody changes an object, or makes one. */
  change(key: string, edit: (object: Loose) => void): void {
    const object = copyOf(this.#objects.get(key))
    if (!object) return
    edit(object)
    this.put(object)
  }

  put(object: Loose): void {
    const { kind, metadata } = object
    const { uid = `uid-${++this.#uids}` } = metadata
    const made = this.#newer({ ...object, metadata: { ...metadata, uid } })
    this.#objects.set(`${kind}/${metadata.name}`, made)
    for (const world of this.#worlds) show(world, made)
  }

  remove(key: string): void {
    const object = this.#objects.get(key)
    if (!object) return
    this.#objects.delete(key)
    const gone = this.#newer(object)
    for (const world of this.#worlds) world.children.get(gone.kind ?? '')?.store.remove(gone)
  }

  node(name: string, address: string): void {
    const addresses = [{ type: 'ExternalIP', address }]
    const node = this.#newer({ metadata: { name }, status: { addresses } })
    this.#nodes.set(name, node)
    for (const world of this.#worlds) world.nodes.upsert(copyOf(node))
  }

  pod(component: string, node: string, ready: boolean): void {
    const labels = { 'parley.dev/cluster': 'demo', 'app.kubernetes.io/component': component }
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }]
    const metadata = { name: `demo-${component}-${node}`, namespace: 'meetings', labels }
    const status = { phase: 'Running', startTime: '2026-01-01T00:00:00Z', conditions }
    const pod = this.#newer({ metadata, spec: { nodeName: node }, status })
    this.#pods.set(metadata.name, pod)
    for (const world of this.#worlds) world.pods.upsert(copyOf(pod))
  }

  /** The next one, just started; the one before has ended. @param resting left out: it compares everything */
  operator(resting?: RestingStates): Reconcile {
    this.#worlds = []
    return this.#start(resting)
  }

  /** Has everything compared by another one, which ends again. */
  async compare(): Promise<void> {
    await this.settle(this.#start())
    this.#worlds.pop()
  }

  #start(resting?: RestingStates): Reconcile {
    const client = this.#apiClient(() => world) as unknown as ApiClient
    const clock = { now: () => this.clock.now(), after: () => () => {} }
    const options = { client, namespace: undefined, enqueue: () => {}, clock, log }
    const world = new World({ ...options, random: () => 0.5 })
    world.clusters.upsert(copyOf(this.#owner))
    // As lists have it, not as it came to be.
    for (const key of this.names) show(world, this.#objects.get(key) as Loose)
    for (const node of this.#nodes.values()) world.nodes.upsert(copyOf(node))
    for (const pod of this.#pods.values()) world.pods.upsert(copyOf(pod))
    this.#worlds.push(world)
    return meetingClusterReconciler({
      ...{ client, world, clock, log, resting },
      referenced: new ReferencedSecrets(client, world.references),
      events: { record: () => {} },
      relay: { reading: () => undefined },
      capabilities: { externalMetrics: () => false },
      images: { registry: 'localhost', tag: '1' },
      rotationMarginMs: 300_000,
      lookAgainMs: LOOK_AGAIN_MS,
      randomBytes: (count) => new Uint8Array(count).fill(++this.#uids % 200),
    })
  }

  /** Passes until one has nothing to do and wants no other. @throws when there is no end */
  async settle(reconcile: Reconcile): Promise<void> {
    for (let pass = 0; pass < 10; pass++) {
      const before = this.writes
      const { requeueAfterMs } = await reconcile(InMemoryCluster.KEY, new AbortController().signal)
      if (this.writes === before && requeueAfterMs !== LOOK_AGAIN_MS) return
    }
    throw new Error('it finds something to do again and again')
  }

  #next(): string {
    return String(++this.#version)
  }

  #newer(object: object): Loose {
    const { metadata } = object as Loose
    return { ...object, metadata: { ...metadata, resourceVersion: this.#next() } } as Loose
  }

  /** @param own what the asking operator sees: it learns by answers, the others by watches */
  #apiClient(own: () => World) {
    const others = () => this.#worlds.filter((world) => world !== own())
    const keyOf = ({ kind }: Resource, name: string) => `${kind}/${name}`
    const failed = { verb: 'patch', resource: 'things' }
    return {
      apply: async (
        resource: Resource,
        namespace: string | undefined,
        name: string,
        body: string,
        { dryRun = false, manager = 'parley' } = {},
      ) => {
        this.requests++
        if (this.refusal) throw this.refusal
        const { metadata, ...content } = JSON.parse(body) as Loose
        const { resourceVersion, ...wanted } = metadata
        const existing = this.#objects.get(keyOf(resource, name))
        // What is created goes under a version that no object has.
        const version = existing?.metadata.resourceVersion ?? '1'
        if (resourceVersion !== undefined && resourceVersion !== version)
          throw new Conflict('Conflict', 409, failed, 'changed')
        const managedFields = [
          { manager, operation: 'Apply', fieldsV1: fieldsOf({ ...content, metadata: wanted }) },
        ]
        const uid = existing?.metadata.uid ?? `uid-${++this.#uids}`
        const made = { ...content, metadata: { ...wanted, namespace, uid, managedFields } } as Loose
        if (dryRun) return made
        this.writes++
        if (manager !== 'parley') return existing
        const written = this.#newer(made)
        this.#objects.set(keyOf(resource, name), written)
        for (const world of others()) show(world, written)
        return copyOf(written)
      },
      applyStatus: async (_: Resource, __: string, ___: string, { status }: Loose) => {
        this.requests++
        this.writes++
        this.#owner = this.#newer({ ...this.#owner, status: copyOf(status) })
        for (const { clusters } of others()) clusters.upsert(copyOf(this.#owner))
        return copyOf(this.#owner)
      },
      mergePatch: async () => {
        this.requests++
        this.writes++
      },
      delete: async (resource: Resource, _: string, name: string) => {
        this.requests++
        this.writes++
        this.remove(keyOf(resource, name))
      },
      peek: async (resource: Resource, _: string, name: string) => {
        this.requests++
        return copyOf(this.#objects.get(keyOf(resource, name)))
      },
      get: async (resource: Resource, _: string, name: string) => {
        this.requests++
        const object = this.#objects.get(keyOf(resource, name))
        if (!object) throw new NotFound('NotFound', 404, failed, 'not found')
        return copyOf(object)
      },
    }
  }
}

function show(world: World, object: Loose): void {
  world.children.get(object.kind ?? '')?.store.upsert(copyOf(object))
}

/** As it comes over the wire. */
function copyOf<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value))
}

/** The set of fields as server-side apply keeps it, with lists as one. */
function fieldsOf(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      `f:${key}`,
      typeof member === 'object' && member !== null && !Array.isArray(member)
        ? fieldsOf(member)
        : {},
    ]),
  )
}
