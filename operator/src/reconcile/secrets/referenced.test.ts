import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { Registry } from 'prom-client'
import type { MeetingCluster } from '../../api/index.ts'
import { meetingCluster } from '../../api/testing/specs.ts'
import { Forbidden, NotFound } from '../../runtime/errors.ts'
import type { K8sObject } from '../../runtime/resources.ts'
import type { Entry, Store } from '../../runtime/store.ts'
import { selfSigned, tlsData } from '../testing/certificate.ts'
import { registerCertificates } from './certificate-metrics.ts'
import { ReferencedSecrets } from './referenced.ts'
import { SecretReferences } from './references.ts'

type Certificate = ReturnType<typeof selfSigned>

/** An API server of Secrets, with a watch that tells at once. */
class Secrets {
  readonly references: SecretReferences
  readonly enqueued: string[] = []
  watches = 0
  reads = 0
  problem: Error | undefined
  #store: Store<Entry> | undefined
  readonly #objects = new Map<string, K8sObject & { data: Record<string, string> }>()
  #version = 0

  constructor() {
    this.references = new SecretReferences({
      enqueue: (key) => this.enqueued.push(key),
      watch: (store) => {
        this.watches++
        this.#store = store
        for (const object of this.#objects.values()) store.upsert(object)
        const hasSynced = () => (this.problem ? new Promise<void>(() => {}) : Promise.resolve())
        return { run: async () => {}, hasSynced, problem: this.problem }
      },
    })
  }

  put(name: string, data: Record<string, string>) {
    const resourceVersion = String(++this.#version)
    const metadata = { name, namespace: 'meetings', uid: `uid-${name}`, resourceVersion }
    this.#objects.set(name, { metadata, data })
    this.#store?.upsert({ metadata })
  }

  remove(name: string) {
    const object = this.#objects.get(name)
    this.#objects.delete(name)
    if (object) this.#store?.remove(object)
  }

  readonly client = {
    get: async <T extends K8sObject>(_: unknown, __: unknown, name: string) => {
      this.reads++
      const found = this.#objects.get(name)
      const call = { verb: 'get', resource: 'secrets' }
      if (!found) throw new NotFound('NotFound', 404, call, 'not found')
      return found as unknown as T
    },
  }
}

const withTls = meetingCluster({ turn: { tls: { secretName: 'cert' } } })
const KEY = 'meetings/demo'
const now = Date.now()

function follow(secrets: Secrets) {
  secrets.references.follow(KEY, ['meetings/cert'])
  const referenced = new ReferencedSecrets(secrets.client, secrets.references)
  return (cluster = withTls) => referenced.inspect(KEY, cluster, { issuable: false, now })
}

describe('Secrets of others', () => {
  it('nobody names: are neither watched nor read', async () => {
    const secrets = new Secrets()
    secrets.references.follow(KEY, [])
    const referenced = new ReferencedSecrets(secrets.client, secrets.references)
    const found = await referenced.inspect(KEY, meetingCluster(), { issuable: true, now })
    expect(found.problems).toEqual([])
    expect([secrets.watches, secrets.reads]).toEqual([0, 0])
  })

  it('are read once for each change of theirs, by one watch for all', async () => {
    const secrets = new Secrets()
    secrets.put('cert', tlsData(selfSigned(['meet.example.com'])))
    const inspect = follow(secrets)
    const first = await inspect()
    expect(first).toMatchObject({ problems: [], turnTls: { host: 'meet.example.com' } })
    expect(first.wakeInMs).toBeGreaterThan(0)
    await inspect()
    expect([secrets.watches, secrets.reads]).toEqual([1, 1])
    secrets.put('cert', tlsData(selfSigned(['other.example.com'])))
    const { problems, turnTls } = await inspect()
    expect(problems).toMatchObject([{ reason: 'TLSInvalid', stalled: true }])
    expect(turnTls).toBeUndefined()
    expect([secrets.watches, secrets.reads]).toEqual([1, 2])
  })

  it('bring those who name them back when they come, change and go, and nobody else', () => {
    const secrets = new Secrets()
    follow(secrets)
    secrets.references.follow('meetings/other', ['meetings/another'])
    secrets.put('cert', {})
    secrets.put('unnamed', {})
    secrets.put('cert', { a: 'b' })
    secrets.remove('cert')
    expect(secrets.enqueued).toEqual([KEY, KEY, KEY])
    secrets.references.follow(KEY, [])
    secrets.put('cert', {})
    expect(secrets.enqueued).toHaveLength(3)
  })

  it('of a certificate that cert-manager is to make: waiting is no fault, no cert-manager is one', async () => {
    const secrets = new Secrets()
    secrets.references.follow(KEY, ['meetings/demo-turn-tls'])
    const referenced = new ReferencedSecrets(secrets.client, secrets.references)
    const mc = meetingCluster({ turn: { tls: { issuerRef: { name: 'ca' } } } })
    const said = async (issuable: boolean) =>
      (await referenced.inspect(KEY, mc, { issuable, now })).problems
    expect(await said(true)).toMatchObject([{ reason: 'MissingReference', stalled: false }])
    expect(await said(false)).toMatchObject([
      { stalled: true, message: expect.stringContaining('install cert-manager') },
    ])
  })

  it('REQ-S4: that are certificates are a metric of when they end, for as long as they are there and named', async () => {
    const secrets = new Secrets()
    secrets.references.follow(KEY, ['meetings/cert', 'meetings/web'])
    const referenced = new ReferencedSecrets(secrets.client, secrets.references)
    const registry = new Registry()
    registerCertificates(registry, referenced)
    const shown = async (mc: MeetingCluster) => {
      await referenced.inspect(KEY, mc, { issuable: false, now })
      const lines = (await registry.metrics()).split('\n')
      return lines.filter((line) => line.startsWith('parley_certificate_expiry_timestamp_seconds{'))
    }
    const line = (secret: string, usedBy: string, { crt }: { crt: string }) =>
      `parley_certificate_expiry_timestamp_seconds{cluster_namespace="meetings",cluster="demo",secret="${secret}",used_by="${usedBy}"} ${new X509Certificate(crt).validToDate.getTime() / 1000}`
    const webapp = { ingress: { enabled: true, tlsSecretName: 'web' } }
    const both = meetingCluster({ turn: { tls: { secretName: 'cert' } }, webapp })
    expect(await shown(both)).toEqual([])
    const [one, other] = [30, 60].map((days) => selfSigned(['meet.example.com'], days)) as [
      Certificate,
      Certificate,
    ]
    secrets.put('cert', tlsData(one))
    secrets.put('web', tlsData(other))
    expect(await shown(both)).toEqual([line('cert', 'turn', one), line('web', 'webapp', other)])
    expect(await shown(withTls)).toEqual([line('cert', 'turn', one)])
    secrets.remove('cert')
    expect(await shown(withTls)).toEqual([])
    secrets.put('cert', tlsData(one))
    expect(await shown(withTls)).toHaveLength(1)
    expect(await shown(meetingCluster())).toEqual([])
  })

  it('of an Ingress and of MySQL are looked after too', async () => {
    const secrets = new Secrets()
    const ingress = { enabled: true, tlsSecretName: 'web' }
    const store = { mode: 'MySQL' as const, mysql: { secretName: 'db' } }
    const mc = meetingCluster({ webapp: { ingress }, store })
    secrets.references.follow(KEY, ['meetings/web', 'meetings/db'])
    const referenced = new ReferencedSecrets(secrets.client, secrets.references)
    const inspect = () => referenced.inspect(KEY, mc, { issuable: true, now })
    expect((await inspect()).problems.map(({ message }) => message)).toEqual([
      'spec.store.mysql.secretName: there is no Secret db; create it with the key url',
      'spec.webapp.ingress.tlsSecretName: there is no Secret web; create it with the keys tls.crt and tls.key',
    ])
    secrets.put('web', tlsData(selfSigned(['meet.example.com'])))
    secrets.put('db', { url: 'bXlzcWw6Ly91OnBAZGIvcGFybGV5' })
    expect(await inspect()).toMatchObject({ problems: [], versions: { db: 'uid-db/2' } })
    secrets.put('db', {})
    expect((await inspect()).problems).toMatchObject([
      { message: 'spec.store.mysql.secretName: Secret db has no key url; add it' },
    ])
  })

  it('that may not be watched are a missing permission, said as such', async () => {
    const secrets = new Secrets()
    const call = { verb: 'list', resource: 'secrets' }
    secrets.problem = new Forbidden('Forbidden', 403, call, 'no')
    const { problems } = await follow(secrets)()
    expect(problems).toMatchObject([{ reason: 'Forbidden', stalled: true }])
  })
})
