import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { mediaPodsFile, mediaPodsSchema, relayCostReportSchema } from '@parley/protocol'
import { hourMs, presetPrices } from '@parley/relay-cost'
import { runParley } from '../../cli/src/testing/run.ts'
import { clientCounters, mintUsername, startTurnClients } from '../../meter/src/testing/servers.ts'
import {
  eventually,
  TestCluster,
  TestOperator,
} from '../../operator/src/reconcile/testing/test-cluster.ts'
import { podNames, startRelay } from './testing/led-meter.ts'

/**
 * What somebody with kubectl's rights is told of the cost: coturn → Redis → meter → API server → command line, with
 * the nodes and zones that the operator says. Without kubelets, so pods are played: the programs run beside the
 * control plane.
 */

jest.setTimeout(240_000)

const NS = 'meetings'
const list = presetPrices('aws/eu-central-1')
const stops: (() => Promise<unknown>)[] = []
let cluster: TestCluster

beforeAll(async () => {
  cluster = await TestCluster.start('cost-report')
  stops.push(() => cluster.stop())
})
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop()
})

it('REQ-K5: the report of a running cluster has what was relayed by zone, the nodes of its TURN pods, and advice', async () => {
  const operator = new TestOperator(cluster)
  stops.push(() => operator.stop())
  await cluster.node('edge', '203.0.113.7')
  await cluster.kubectl(
    ...['label', 'node', 'edge', 'topology.kubernetes.io/zone=eu-central-1a'],
    'node.kubernetes.io/instance-type=m7i.large',
  )
  await cluster.meetingCluster(NS, { turn: { replicas: 1 } })
  await cluster.runPods(NS, 'turn', 'edge')
  await cluster.runPods(NS, 'meter', 'edge')
  const relayed = { cluster, namespace: NS }
  const [turnPod = ''] = await podNames(relayed, 'turn')
  // As its kubelet says: it took the pod three hours ago.
  const startTime = new Date(Date.now() - 3 * hourMs).toISOString().replace(/\.\d+/, '')
  await cluster.patchStatus('pod', turnPod, NS, { startTime })
  const told = await eventually(async () => {
    const config = await cluster.get('cm', 'demo-meter-pods', NS)
    const text = config?.data?.[mediaPodsFile] ?? ''
    expect(mediaPodsSchema.parse(JSON.parse(text)).pods).toEqual([
      {
        ...{ pod: turnPod, component: 'turn', node: 'edge', since: startTime },
        ...{ zone: 'eu-central-1a', instanceType: 'm7i.large' },
      },
    ])
    return text
  })
  // Nothing is put back from here on: the Service of the meter leads to a process.
  await cluster.kubectl('annotate', 'mc', 'demo', '-n', NS, 'parley.dev/paused=true')
  const relay = await startRelay(relayed, turnPod, {
    async podsFile(folder) {
      await writeFile(join(folder, mediaPodsFile), told)
      return join(folder, mediaPodsFile)
    },
  })
  stops.push(...relay.stops.toReversed())
  const { all } = await startTurnClients({
    ...{ port: relay.port, username: mintUsername('p-1'), messages: 300, bytes: 800 },
  })
  const { sentBytes } = clientCounters(all)

  const kubeconfig = cluster.controlPlane.kubeconfig
  const ask = async (...more: string[]) => {
    const { code, out, err } = await runParley(
      ...['cost', 'report', '--kubeconfig', kubeconfig, '--cluster', `${NS}/demo`],
      ...['--window', '6h', ...more],
    )
    expect(err).toBe('')
    expect(code).toBe(0)
    return out
  }
  const report = await eventually(async () => {
    const json = await ask('--by', 'zone,region', '--advice', '-o', 'json')
    const report = relayCostReportSchema.parse(JSON.parse(json))
    expect(report.totals.bytes.turnToPeer).toBeGreaterThanOrEqual(sentBytes)
    return report
  })
  expect(report.rows.map(({ key }) => key)).toEqual([
    { zone: '(idle)', region: '(idle)' },
    { zone: 'eu-central-1a', region: 'eu-central-1' },
  ])
  const { nodes, idle } = report.totals.cost
  const threeHours = 3 * (list.nodes.perHour + list.nodes.publicIPv4PerHour)
  expect((nodes + idle) / threeHours).toBeGreaterThan(1)
  expect((nodes + idle) / threeHours).toBeLessThan(1.1)
  expect(report.notes).toContainEqual(
    expect.stringMatching(/^Nodes of type m7i\.large are priced as c6i\.large/),
  )
  // Too little was relayed to advise on.
  expect(report.advice).toEqual([])
  expect(await ask('--by', 'zone')).toMatch(/\(idle\) [\s\S]*eu-central-1a [\s\S]*idle nodes/)
})
