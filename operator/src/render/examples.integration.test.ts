import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type ControlPlane, crdsEstablished, kubectl, startControlPlane } from '@parley/devcluster'
import fc from 'fast-check'
import { parseAllDocuments } from 'yaml'
import { customResourceDefinition, KIND, parseMeetingCluster } from '../api/index.ts'
import { meetingClusters } from '../api/testing/specs.ts'
import { certificateCrd } from '../reconcile/testing/foreign-kinds.ts'
import { keepsAfterDeletion, renderMeetingCluster } from './render.ts'
import { generateSecrets } from './secrets.ts'
import { renderInputs } from './testing/inputs.ts'

// Servers on a machine that may be busy.
jest.setTimeout(120_000)

const examples = ['demo', 'small', 'production', 'multi-region', 'external-services', 'sign-in']
const base64 = (text: string) => Buffer.from(text).toString('base64')

let cluster: ControlPlane

beforeAll(async () => {
  cluster = await startControlPlane({ name: 'examples-test' })
  await apply(customResourceDefinition())
  await apply(certificateCrd)
  await crdsEstablished((args) => kubectl(cluster, args))
}, 120_000)

afterAll(() => cluster?.stop())

function apply(...objects: object[]) {
  const input = objects.map((object) => JSON.stringify(object)).join('\n---\n')
  return kubectl(cluster, ['apply', '--server-side', '-f', '-'], { input })
}

async function documentsOf(example: string): Promise<{ kind: string }[]> {
  const file = new URL(`../../../examples/${example}.yaml`, import.meta.url)
  return parseAllDocuments(await readFile(file, 'utf8')).map((document) => document.toJS())
}

describe.each(examples)('examples/%s.yaml', (example) => {
  it('is accepted as it stands', async () => {
    const documents = await documentsOf(example)
    const accepted = (await apply(...documents)).match(/^meetingcluster.parley.dev\//gm) ?? []
    expect(accepted).toHaveLength(documents.filter(({ kind }) => kind === KIND).length)
  })

  it('REQ-K1: becomes children that the API server accepts, and again without a change', async () => {
    const documents = await documentsOf(example)
    const mc = parseMeetingCluster(documents.find(({ kind }) => kind === KIND))
    const { objects, held } = renderMeetingCluster(mc, renderInputs())
    const given = { 'redis-password': { password: base64('secret') } }
    const secrets = generateSecrets(mc, given, (size) => new Uint8Array(size))
    const all = [...objects, ...held, ...secrets]
    // An autoscaler that acts meanwhile would be a change: it is looked at, and not kept.
    const isAutoscaler = ({ kind }: { kind: string }) => kind === 'HorizontalPodAutoscaler'
    await Promise.all(
      all.filter(isAutoscaler).map((one) =>
        kubectl(cluster, ['apply', '--server-side', '--dry-run=server', '-f', '-'], {
          input: JSON.stringify(one),
        }),
      ),
    )
    const children = all.filter((object) => !isAutoscaler(object))
    await apply(...children)
    const generations = await generationsOf(mc.metadata.namespace)
    await apply(...children)
    expect(await generationsOf(mc.metadata.namespace)).toEqual(generations)
    expect(objects.some((object) => keepsAfterDeletion(mc, object))).toBe(
      example !== 'external-services',
    )
  }, 120_000)
})

it('REQ-K4: whatever a spec may say becomes children that the API server accepts', async () => {
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'meetings' } })
  await fc.assert(
    fc.asyncProperty(meetingClusters, async (mc) => {
      const { objects, held } = renderMeetingCluster(mc, renderInputs())
      // The kinds of the Prometheus operator are not there to judge.
      const items = [...objects, ...held].filter(
        ({ apiVersion }) => !apiVersion.startsWith('monitoring.coreos.com/'),
      )
      const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
      await kubectl(cluster, ['apply', '--server-side', '--dry-run=server', '-f', '-'], { input })
    }),
    { numRuns: 25 },
  )
}, 120_000)

async function generationsOf(namespace = '') {
  const list = await kubectl(cluster, [
    'get',
    'deployments,statefulsets,networkpolicies,poddisruptionbudgets',
    `--namespace=${namespace}`,
    '--output=jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.generation} {end}',
  ])
  return list.trim().split(' ')
}
