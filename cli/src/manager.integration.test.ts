import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { type ControlPlane, crdsEstablished, kubectl, startControlPlane } from '@parley/devcluster'
import { customResourceDefinition } from '@parley/operator/api'
import { execa } from 'execa'

jest.setTimeout(120_000)

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
let cluster: ControlPlane
beforeAll(async () => {
  cluster = await startControlPlane({ name: 'manager' })
  await apply(customResourceDefinition())
  await crdsEstablished((args) => kubectl(cluster, args))
})
afterAll(() => cluster?.stop())

function apply(...items: object[]) {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  return kubectl(cluster, ['apply', '-f', '-'], { input })
}

it('REQ-K1: parley manager, told by SIGTERM in the middle of its work, gives the Lease up and exits with 0', async () => {
  const operator = execa(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', main, 'manager', '--metrics-port=0'],
      ...['--health-port=0', `--kubeconfig=${cluster.kubeconfig}`],
    ],
    { reject: false, buffer: false, env: { PARLEY_LOG_LEVEL: 'debug' } },
  )
  let log = ''
  const heard = new Map<string, () => void>()
  operator.stdout.on('data', (chunk) => {
    log += chunk
    for (const [text, resolve] of heard) if (log.includes(text)) resolve()
  })
  const said = (text: string) => new Promise<void>((resolve) => heard.set(text, resolve))
  const leads = said('became leader')
  const writes = said('"msg":"applied"')
  await leads
  const namespaces = Array.from({ length: 5 }, (_, index) => `meetings-${index}`)
  await apply(
    ...namespaces.flatMap((namespace) => [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: 'parley.dev/v1alpha1',
        kind: 'MeetingCluster',
        metadata: { name: 'demo', namespace },
        spec: { domain: 'meet.example.com', region: 'eu-central-1', sfu: { engine: 'None' } },
      },
    ]),
  )
  await writes
  operator.kill('SIGTERM')
  const { exitCode, signal } = await operator
  expect({ exitCode, signal }).toEqual({ exitCode: 0, signal: undefined })
  expect(log.trim().split('\n').at(-1)).toContain('"msg":"stopped"')
  const held = ['get', 'lease', 'parley-manager', '-n', 'default']
  expect(await kubectl(cluster, [...held, '-o', 'jsonpath={.spec.holderIdentity}'])).toBe('')
})
