import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { FaultProxy } from './testing/fault-proxy.ts'
import { eventually, TestCluster, type TestObject, TestOperator } from './testing/test-cluster.ts'

jest.setTimeout(240_000)

let cluster: TestCluster
let proxy: FaultProxy
const operators: TestOperator[] = []

beforeAll(async () => {
  cluster = await TestCluster.start('operator-overload')
})
afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.stop()))
  await proxy.stop()
})
afterAll(() => cluster.stop())

async function startProxy(): Promise<void> {
  proxy = await FaultProxy.start(cluster.controlPlane, 'proxy')
}

function startOperator(options: ConstructorParameters<typeof TestOperator>[1] = {}): TestOperator {
  const operator = new TestOperator(cluster, { kubeconfig: proxy.kubeconfig, ...options })
  operators.push(operator)
  return operator
}

const CHILD = 'Deployment/demo-webapp'

async function observed(namespace: string): Promise<void> {
  await eventually(async () => {
    const found = await cluster.get('mc', 'demo', namespace)
    expect(found?.status?.observedGeneration).toBe(found?.metadata.generation)
    expect([...(await cluster.children(namespace)).keys()]).toContain(CHILD)
  })
}

describe('the operator and an API server with too much to do', () => {
  it('REQ-K1: of 429s it waits as long as it is told, says nothing wrong, and ends with everything made', async () => {
    await startProxy()
    let writes = 0
    let reads = 0
    // Every third write, and the first reads.
    proxy.refuse(({ method }) =>
      (method === 'GET' ? reads++ < 10 : writes++ % 3 === 0) ? 1 : undefined,
    )
    const operator = startOperator()
    await cluster.meetingCluster('busy')
    await observed('busy')
    proxy.refuse(() => undefined)
    await operator.quiet()
    expect(proxy.refused).toBeGreaterThan(20)
    const found = await cluster.get('mc', 'demo', 'busy')
    const stalled = found?.status?.conditions?.find(({ type }) => type === 'Stalled')
    expect(stalled?.status).toBe('False')
    expect(operator.logs).not.toMatch(/"level":50/)
  })

  it('REQ-K1: watches that end every second, in the middle, cost no change and no write', async () => {
    await startProxy()
    const operator = startOperator()
    await cluster.meetingCluster('torn')
    await observed('torn')
    await cluster.counted('torn')
    await operator.quiet()
    const before = await operator.writes()
    const closing = setInterval(() => proxy.closeWatches(), 1000)
    try {
      await eventually(async () => expect(proxy.watchesClosed).toBeGreaterThan(40))
      expect(await operator.writes()).toBe(before)
      for (const name of ['demo-webapp', 'demo-signaling', 'demo-turn'])
        await cluster.delete('sa', name, 'torn')
      await eventually(async () => {
        const children = [...(await cluster.children('torn')).keys()]
        for (const name of ['demo-webapp', 'demo-signaling', 'demo-turn'])
          expect(children).toContain(`ServiceAccount/${name}`)
      })
    } finally {
      clearInterval(closing)
    }
  })

  it('REQ-K1: a spec that changes in the middle of the work ends as it was written last', async () => {
    await startProxy()
    startOperator()
    await cluster.meetingCluster('moving')
    for (let replicas = 1; replicas <= 8; replicas++) {
      await cluster.patch('mc', 'demo', 'moving', { spec: { webapp: { replicas } } })
    }
    await observed('moving')
    await eventually(async () => {
      const webapp = await cluster.get('deploy', 'demo-webapp', 'moving')
      expect(webapp?.spec.replicas).toBe(8)
    })
  })

  it.each([1, 9, 25])(
    'REQ-K1: killed after %d writes, the next one finishes its work',
    async (writes) => {
      await startProxy()
      const namespace = `killed-${writes}`
      const dead = Promise.withResolvers<void>()
      let passed = 0
      proxy.onPassed(({ method }) => {
        // Nothing of it gets through any more, not even the answer to this one.
        if (method !== 'GET' && ++passed === writes) dead.resolve(proxy.stop())
      })
      const first = startOperator()
      await cluster.meetingCluster(namespace)
      await dead.promise
      operators.splice(operators.indexOf(first), 1)
      await first.stop()
      await startProxy()
      const second = startOperator()
      await observed(namespace)
      await cluster.counted(namespace)
      await second.quiet()
      const settled = await second.writes()
      const secrets = await cluster.get('secret', 'demo-turn-secret', namespace)
      await cluster.annotate('mc', 'demo', namespace, { touched: 'yes' })
      await second.quiet()
      expect(await second.writes()).toBe(settled)
      expect((await cluster.get('secret', 'demo-turn-secret', namespace))?.data).toEqual(
        secrets?.data,
      )
    },
  )
})

it('REQ-K1: one that is killed leaves what an earlier one remembered, and the next one repairs all that came after it', async () => {
  await startProxy()
  const options = { namespace: 'sudden', build: 'one' }
  const stored = () => cluster.get('cm', 'parley-manager-remembered', 'sudden')
  const first = startOperator(options)
  await cluster.meetingCluster('sudden')
  await observed('sudden')
  await cluster.counted('sudden')
  await first.quiet()
  operators.splice(operators.indexOf(first), 1)
  await first.stop()
  const before = await stored()
  expect(before?.data?.states).toMatch(/./)

  const second = startOperator(options)
  await cluster.patch('mc', 'demo', 'sudden', { spec: { webapp: { replicas: 3 } } })
  await eventually(async () => {
    expect((await cluster.get('deploy', 'demo-webapp', 'sudden'))?.spec.replicas).toBe(3)
  })
  // Nothing of it gets through any more.
  await proxy.stop()
  operators.splice(operators.indexOf(second), 1)
  await second.stop()
  expect((await stored())?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion)

  await cluster.patch('deploy', 'demo-webapp', 'sudden', { spec: { replicas: 1 } })
  await cluster.delete('sa', 'demo-turn', 'sudden')
  await startProxy()
  startOperator(options)
  await eventually(async () => {
    expect((await cluster.get('deploy', 'demo-webapp', 'sudden'))?.spec.replicas).toBe(3)
    expect([...(await cluster.children('sudden')).keys()]).toContain('ServiceAccount/demo-turn')
  })
})

describe('the operator and an API server that is out of reach', () => {
  it('REQ-K1: asks for no more than it missed when that is back: each watch once, no list, no write but repairs', async () => {
    await startProxy()
    const operator = startOperator()
    const namespaces = ['away-1', 'away-2', 'away-3']
    for (const namespace of namespaces) await cluster.meetingCluster(namespace)
    for (const namespace of namespaces) {
      await observed(namespace)
      await cluster.counted(namespace)
    }
    await operator.quiet()
    const watches = proxy.watching
    const asked: string[] = []
    proxy.onPassed(({ method, path, isWatch }) => {
      const [resource = ''] = path.split('?')
      if (!/^\/apis\/[^/]+\/[^/]+$/.test(resource))
        asked.push(`${isWatch ? 'WATCH' : method} ${resource}`)
    })
    proxy.leave()
    await cluster.delete('sa', 'demo-webapp', 'away-2')
    // Ever less often: at last every five seconds or so.
    await eventually(async () => expect(proxy.tried).toBeGreaterThan(watches * 4))
    await eventually(async () =>
      expect(operator.logs.match(/watch interrupted/g)).toHaveLength(watches),
    )
    proxy.return()
    await eventually(async () => {
      expect([...(await cluster.children('away-2')).keys()]).toContain('ServiceAccount/demo-webapp')
      expect(proxy.watching).toBe(watches)
    })
    await operator.quiet()
    const others = asked.filter((each) => !each.startsWith('WATCH'))
    expect(others).toEqual(['PATCH /api/v1/namespaces/away-2/serviceaccounts/demo-webapp'])
    expect(asked).toHaveLength(watches + 1)
    expect(new Set(asked).size).toBe(asked.length)
  })

  it('REQ-K1: ends when it is told to, though what it has asked for is never answered', async () => {
    await startProxy()
    await cluster.meetingCluster('hung')
    const operator = startOperator({ leaderElect: true, leaseNamespace: 'hung', graceMs: 100 })
    await observed('hung')
    await operator.quiet()
    proxy.hang()
    await cluster.delete('sa', 'demo-webapp', 'hung')
    await eventually(async () => expect(proxy.unanswered).toBeGreaterThan(0))
    operators.splice(operators.indexOf(operator), 1)
    const stopping = operator.stop()
    await eventually(async () => expect(operator.logs).toContain('"msg":"stopped"'))
    await stopping
  })
})

describe('the operator and what a MeetingCluster depends on', () => {
  it('REQ-K1: a database that the meter does not reach is said as the meter says it, and no pod is touched for it', async () => {
    await startProxy()
    const figures = { allocations: 3, users: 2, currency: 'USD' }
    const store = 'the database db.example.com:3306 cannot be reached (ECONNREFUSED)'
    let troubles: object | undefined = { store }
    proxy.answer(({ path }) =>
      path.endsWith('/services/http:demo-meter:8090/proxy/summary')
        ? { ...figures, ...(troubles ? { troubles } : {}) }
        : undefined,
    )
    await cluster.node('n1', '203.0.113.1')
    startOperator()
    await cluster.meetingCluster('ill', { turn: { replicas: 1 } })
    const components = ['turn', 'webapp', 'redis', 'meter', 'signaling']
    for (const component of components) await cluster.runPods('ill', component, 'n1')
    await cluster.condition('ill', 'Ready', { status: 'True' })
    const pods = async () => {
      const text = await cluster.kubectl('get', 'pods', '-n', 'ill', '-o', 'json')
      const { items } = JSON.parse(text) as { items: TestObject[] }
      return items.map(({ metadata }) => [metadata.name, metadata.uid])
    }
    const before = await pods()
    const meter = before.map(([name = '']) => name).find((name) => name.startsWith('demo-meter'))
    const readiness = (status: string) =>
      cluster.patchStatus('pod', meter ?? '', 'ill', { conditions: [{ type: 'Ready', status }] })
    await readiness('False')
    const said = await cluster.condition('ill', 'MeterReady', {
      status: 'False',
      reason: 'Degraded',
    })
    expect(said.message).toContain(store)
    await cluster.condition('ill', 'TurnReady', { status: 'True' })
    await cluster.condition('ill', 'SignalingReady', { status: 'True' })
    await cluster.condition('ill', 'Stalled', { status: 'False' })
    expect(await pods()).toEqual(before)
    troubles = undefined
    await readiness('True')
    await cluster.condition('ill', 'Ready', { status: 'True' })
  })
})

describe('two operators', () => {
  it('REQ-K1: one that is told to stop finishes what it has begun, gives its Lease up after its last write, and the next one goes on', async () => {
    await startProxy()
    const other = await FaultProxy.start(cluster.controlPlane, 'other')
    const passed: { by: string; path: string }[] = []
    const stopping = Promise.withResolvers<void>()
    let begunBefore = 0
    const listen = (by: string) => (request: { method: string; path: string }) => {
      if (request.method === 'GET') return
      passed.push({ by, path: request.path })
      if (by !== 'first' || begunBefore > 0 || passed.filter(isChild).length < 12) return
      begunBefore = passed.length
      stopping.resolve(first.stop())
    }
    const isChild = ({ path }: { path: string }) =>
      path.includes('/namespaces/handed-') && !path.includes('dryRun')
    proxy.onPassed(listen('first'))
    other.onPassed(listen('second'))
    const election = { leaderElect: true, leaseNamespace: 'kube-system' }
    const first = startOperator(election)
    try {
      await eventually(async () => expect(first.logs).toContain('became leader'))
      const second = startOperator({ ...election, kubeconfig: other.kubeconfig })
      operators.splice(operators.indexOf(first), 1)
      const namespaces = Array.from({ length: 10 }, (_, index) => `handed-${index}`)
      for (const namespace of namespaces) await cluster.meetingCluster(namespace)
      await stopping.promise
      const lease = await cluster.get('lease', 'parley-manager', 'kube-system')
      const led = /"identity":"([^"]+)"/.exec(first.logs)?.[1]
      expect(lease?.spec.holderIdentity).not.toBe(led)

      const mine = passed.flatMap((each, index) =>
        each.by === 'first' ? [{ ...each, index }] : [],
      )
      const written = mine.filter(isChild)
      const last = written.at(-1)?.index ?? 0
      expect(last).toBeGreaterThan(begunBefore - 1)
      expect(mine.at(-1)?.path).toContain('/leases/')
      // Of each MeetingCluster that it has touched it has made all, to the status.
      const begun = new Set(written.map(({ path }) => /namespaces\/([^/]+)/.exec(path)?.[1]))
      for (const namespace of begun)
        expect(written.map(({ path }) => path)).toContainEqual(
          expect.stringContaining(`/namespaces/${namespace}/meetingclusters/demo/status`),
        )
      for (const namespace of namespaces) await observed(namespace)
      const theirs = passed.findIndex((each) => each.by === 'second' && isChild(each))
      expect(theirs).toBeGreaterThan(mine.at(-1)?.index ?? Number.POSITIVE_INFINITY)
      expect(begun.size).toBeLessThan(namespaces.length)
      await second.quiet()
    } finally {
      await other.stop()
    }
  })

  it('REQ-K1: one whose Lease is taken away has stopped writing before the next one starts', async () => {
    await startProxy()
    const writes: number[] = []
    proxy.onPassed(({ method, path }) => {
      if (method !== 'GET' && !path.includes('/leases')) writes.push(Date.now())
    })
    const first = startOperator({ leaderElect: true })
    await eventually(async () => expect(first.logs).toContain('became leader'))
    await cluster.meetingCluster('robbed')
    await observed('robbed')
    // Work without end, so that it writes for as long as it may.
    let round = 0
    const busy = setInterval(() => {
      const body = { spec: { webapp: { replicas: 1 + (round++ % 2) } } }
      cluster.patch('mc', 'demo', 'robbed', body).catch(() => {})
    }, 200)
    try {
      const lease = { spec: { holderIdentity: 'thief', leaseDurationSeconds: 3 } }
      await cluster.patch('lease', 'parley-manager', 'default', lease)
      const second = startOperator({
        leaderElect: true,
        kubeconfig: cluster.controlPlane.kubeconfig,
      })
      operators.splice(operators.indexOf(first), 1)
      await expect(first.ended).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' })
      await eventually(async () => expect(second.logs).toContain('became leader'))
      const { time } = JSON.parse(
        second.logs.split('\n').find((line) => line.includes('became leader')) ?? '{}',
      ) as { time: number }
      // What was on its way when the Lease went may pass yet, but not once there is another leader.
      expect(writes.at(-1)).toBeLessThan(time)
    } finally {
      clearInterval(busy)
    }
  })

  it('REQ-K1: that are both made to write agree, and come to rest', async () => {
    await startProxy()
    await cluster.meetingCluster('both')
    const two = [startOperator(), startOperator()]
    await observed('both')
    for (const maxParticipants of [5, 6, 7]) {
      await cluster.patch('mc', 'demo', 'both', { spec: { mesh: { maxParticipants } } })
    }
    await observed('both')
    await Promise.all(two.map((operator) => operator.quiet()))
    const total = async () =>
      (await Promise.all(two.map((o) => o.writes()))).reduce((a, b) => a + b)
    const before = await total()
    // Each looks once more at what the other has left.
    await cluster.annotate('mc', 'demo', 'both', { touched: 'yes' })
    await Promise.all(two.map((operator) => operator.quiet()))
    expect(await total()).toBe(before)
  })
})
