import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { kubectl } from './kubectl.ts'
import { type ControlPlane, startControlPlane } from './local-control-plane.ts'
import { clusterPaths } from './paths.ts'
import { endProcesses, readDaemon } from './process.ts'
import { leftovers } from './teardown.ts'

// Servers on a machine that may be busy.
jest.setTimeout(120_000)

const configMap = (name: string, value: string) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } })

// Two runs of this test on one machine must not meet.
const ONE = `itest-one-${process.pid}`
const TWO = `itest-two-${process.pid}`

describe('startControlPlane', () => {
  let one: ControlPlane
  let two: ControlPlane

  beforeAll(async () => {
    ;[one, two] = await Promise.all([
      startControlPlane({ name: ONE }),
      startControlPlane({ name: TWO }),
    ])
  }, 120_000)

  afterAll(() => Promise.all([one?.stop(), two?.stop()]))

  it('REQ-K1: keeps what is applied, and two of different names live side by side', async () => {
    await kubectl(one, ['apply', '-f', '-'], { input: configMap('shared-name', 'of one') })
    await kubectl(two, ['apply', '-f', '-'], { input: configMap('shared-name', 'of two') })
    const read = ['get', 'configmap', 'shared-name', '-o', 'jsonpath={.data.value}']
    expect(await kubectl(one, read)).toBe('of one')
    expect(await kubectl(two, read)).toBe('of two')
  }, 120_000)

  it('REQ-K1: returns the running one when it is started again', async () => {
    const again = await startControlPlane({ name: ONE })
    expect(again.server).toBe(one.server)
  }, 120_000)

  it('REQ-K1: gives only its owner the right to read the kubeconfig', async () => {
    expect((await stat(one.kubeconfig)).mode & 0o777).toBe(0o600)
  })

  it('REQ-K1: leaves nothing behind when it is stopped', async () => {
    expect(await leftovers(TWO)).not.toEqual([])
    await two.stop()
    expect(await leftovers(TWO)).toEqual([])
  }, 120_000)

  it('REQ-K1: says that its port was taken while it was dead, and does not wait for a time-out', async () => {
    const apiServer = await readDaemon(clusterPaths(ONE), 'kube-apiserver')
    if (!apiServer) throw new Error('a started control plane records its API server')
    await endProcesses([apiServer], 0)
    const squatter = createServer().listen(Number(new URL(one.server).port), '127.0.0.1')
    await once(squatter, 'listening')
    try {
      await expect(startControlPlane({ name: ONE })).rejects.toMatchObject({
        code: 'PORT_IN_USE',
      })
    } finally {
      squatter.close()
    }
  }, 120_000)
})
