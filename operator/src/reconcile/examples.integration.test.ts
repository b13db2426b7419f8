import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { crdsEstablished } from '@parley/devcluster'
import { parseAllDocuments } from 'yaml'
import { KIND, type MeetingCluster, parseMeetingCluster } from '../api/index.ts'
import { turnTls } from '../render/index.ts'
import { selfSigned, tlsData } from './testing/certificate.ts'
import { certificateCrd, storageClass } from './testing/foreign-kinds.ts'
import {
  eventually,
  TestCluster,
  type TestCondition,
  type TestObject,
  TestOperator,
} from './testing/test-cluster.ts'

jest.setTimeout(240_000)

const folder = new URL('../../../examples/', import.meta.url)
const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort()

let cluster: TestCluster
let operator: TestOperator

beforeAll(async () => {
  cluster = await TestCluster.start('operator-examples')
  await cluster.apply(storageClass, certificateCrd)
  await crdsEstablished((args) => cluster.kubectl(...args))
  await cluster.node('media', '192.0.2.1')
  operator = new TestOperator(cluster)
})
afterAll(async () => {
  await operator?.stop()
  await cluster?.stop()
})

describe('the examples', () => {
  it('are those that the documentation names', () => {
    expect(files).toEqual([
      'demo.yaml',
      'external-services.yaml',
      'multi-region.yaml',
      'production.yaml',
      'sign-in.yaml',
      'small.yaml',
    ])
  })

  it.each(files)(
    'REQ-K1: %s, applied as it stands, becomes Ready once its pods are',
    async (file) => {
      const text = await readFile(new URL(file, folder), 'utf8')
      const objects = parseAllDocuments(text).map((document) => document.toJS() as TestObject)
      const wanted = objects.filter(({ kind }) => kind === KIND) as unknown as MeetingCluster[]
      await cluster.apply(...objects, ...wanted.flatMap(certificatesOf))
      expect(wanted.length).toBeGreaterThan(0)
      await Promise.all(wanted.map(ready))
      for (const { metadata } of wanted)
        await cluster.delete('mc', metadata.name, metadata.namespace ?? '')
    },
  )
})

function isTrue(conditions: readonly TestCondition[] = [], wanted: string): boolean {
  return conditions.some(({ type, status }) => type === wanted && status === 'True')
}

/** Plays the kubelet of all pods until the MeetingCluster is Ready. */
async function ready({ metadata: { name, namespace = '' } }: MeetingCluster): Promise<void> {
  await eventually(async () => {
    await cluster.nodeIsReady('media')
    const pods = await cluster.list('pods', namespace)
    const waiting = pods.filter(({ status }) => !isTrue(status?.conditions, 'Ready'))
    await Promise.all(waiting.map((pod) => cluster.runPod(pod, 'media')))
    const mc = await cluster.get('mc', name, namespace)
    const conditions = mc?.status?.conditions ?? []
    if (!isTrue(conditions, 'Ready'))
      throw new Error(conditions.map(({ message }) => message).join('\n'))
  }, A_DOZEN_PODS)
}

/** Played one after the other. */
const A_DOZEN_PODS = { withinMs: 60_000, everyMs: 300 }

/** What cert-manager, or `kubectl create secret tls`, puts there. */
function certificatesOf(mc: MeetingCluster): object[] {
  const parsed = parseMeetingCluster(mc)
  const { domain, webapp } = parsed.spec
  const tls = turnTls(parsed)
  const secret = (name: string, host: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name, namespace: mc.metadata.namespace },
    data: tlsData(selfSigned([host])),
  })
  return [
    ...(tls ? [secret(tls.secretName, tls.host)] : []),
    ...(webapp.ingress.tlsSecretName ? [secret(webapp.ingress.tlsSecretName, domain)] : []),
  ]
}
