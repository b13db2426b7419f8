import { join } from 'node:path'
import { type RunningMeter, startMeter } from '@parley/meter'
import { presetPrices } from '@parley/relay-cost'
import { pino } from 'pino'
import { startCoturn, startRedis, temporaryFolder } from '../../../meter/src/testing/servers.ts'
import { ownAddress } from '../../../operator/src/metrics-api/testing/aggregation.ts'
import type { TestCluster } from '../../../operator/src/reconcile/testing/test-cluster.ts'

/** A MeetingCluster `demo` whose pods of TURN and the meter are processes beside a control plane. */
export type Relay = { cluster: TestCluster; namespace: string }

/**
 * Redis, coturn and the meter, which the Service of the meter then leads to.
 * @param podsFile makes, in a folder, the file that says where the pods are
 * @returns what stops them, first to last
 */
export async function startRelay(
  { cluster, namespace }: Relay,
  turnPod: string,
  { podsFile }: { podsFile?: (folder: string) => Promise<string> } = {},
): Promise<{ port: number; stops: (() => Promise<unknown>)[] }> {
  const stops: (() => Promise<unknown>)[] = []
  const folder = await temporaryFolder()
  stops.unshift(() => folder.remove())
  const redis = await startRedis(folder.path)
  stops.unshift(() => redis.stop())
  const coturn = await startCoturn(folder.path, {
    redisPort: redis.port,
    realm: `${turnPod}.demo`,
  })
  stops.unshift(() => coturn.stop())
  const secret = await cluster.get('secret', 'demo-meter-token', namespace)
  const meter: RunningMeter = await startMeter(
    {
      port: 0,
      host: ownAddress(),
      cluster: 'demo',
      namespace,
      region: 'eu-central-1',
      storeUrl: `sqlite:${join(folder.path, 'meter.db')}`,
      redisUrl: redis.url,
      prices: [presetPrices('aws/eu-central-1')],
      token: Buffer.from(secret?.data?.token ?? '', 'base64').toString(),
      flushIntervalMs: 1000,
      retention: { allocationDays: 35, hourDays: 397 },
      bufferAllocations: 1000,
      ...(podsFile && { podsFile: await podsFile(folder.path) }),
    },
    { logger: pino({ level: 'silent' }) },
  )
  stops.unshift(() => meter.close())
  await leadToMeter({ cluster, namespace }, Number(new URL(meter.url).port))
  return { port: coturn.port, stops }
}

async function leadToMeter({ cluster, namespace }: Relay, port: number): Promise<void> {
  const [name = ''] = await podNames({ cluster, namespace }, 'meter')
  const ip = ownAddress()
  await cluster.patchStatus('pod', name, namespace, { podIP: ip, podIPs: [{ ip }] })
  const body = JSON.stringify({ spec: { selector: null } })
  await cluster.kubectl(
    ...['patch', 'service', 'demo-meter', '-n', namespace, '--type=merge', '-p', body],
  )
  const address = { ip, targetRef: { kind: 'Pod', namespace, name } }
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'demo-meter', namespace },
    subsets: [{ addresses: [address], ports: [{ name: 'http', port }] }],
  })
}

/** Of one component. */
export async function podNames(
  { cluster, namespace }: Relay,
  component: string,
): Promise<string[]> {
  const selector = `app.kubernetes.io/component=${component}`
  const text = await cluster.kubectl('get', 'pods', '-n', namespace, '-l', selector, '-o', 'name')
  return text.split('\n').flatMap((line) => (line ? [line.replace('pod/', '')] : []))
}
