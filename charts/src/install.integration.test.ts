import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { type ControlPlane, kubectl, startControlPlane } from '@parley/devcluster'
import { installManifests } from './install.ts'
import { managerRules } from './rbac.ts'

// Servers on a machine that may be busy.
jest.setTimeout(120_000)

let cluster: ControlPlane

beforeAll(async () => {
  cluster = await startControlPlane({ name: 'install-test' })
}, 120_000)

afterAll(() => cluster?.stop())

it('the manifests are accepted, and again without a change', async () => {
  const input = installManifests({ namespace: 'parley-system' })
  await kubectl(cluster, ['apply', '-f', '-'], { input })
  const before = await versions()
  await kubectl(cluster, ['apply', '-f', '-'], { input })
  expect(await versions()).toEqual(before)
}, 120_000)

async function versions() {
  const kinds = 'crd,clusterrole,clusterrolebinding,role,rolebinding,serviceaccount,service'
  const list = await kubectl(cluster, [
    'get',
    kinds,
    '--namespace=parley-system',
    '--selector=app.kubernetes.io/part-of=parley',
    '--output=jsonpath={range .items[*]}{.kind}={.metadata.resourceVersion} {end}',
  ])
  const found = new Set(
    list
      .trim()
      .split(' ')
      .map((each) => each.split('=')[0]),
  )
  expect(found.size).toBe(kinds.split(',').length)
  return list
}

it('the operator may do what its rules say, and has no lease elsewhere', async () => {
  const list = await kubectl(cluster, [
    'auth',
    'can-i',
    '--list',
    '--as=system:serviceaccount:parley-system:parley-operator',
    '--namespace=meetings',
  ])
  const lines = list.split('\n').map((line) => line.split(/ {2,}/))
  for (const { apiGroups, resources, verbs } of managerRules) {
    for (const resource of resources) {
      const [name, subresource] = resource.split('/')
      const qualified = [name, ...apiGroups.filter(Boolean)].join('.')
      const full = subresource ? `${qualified}/${subresource}` : qualified
      const granted = lines.find(([first]) => first === full)?.at(-1)
      expect({ full, granted }).toEqual({ full, granted: `[${verbs.join(' ')}]` })
    }
  }
  expect(list).not.toContain('leases')
})
