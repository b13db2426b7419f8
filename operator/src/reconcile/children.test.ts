import { describe, expect, it } from '@jest/globals'
import { CONFIG_MAPS, type K8sObject, type Resource } from '../runtime/resources.ts'
import { Store } from '../runtime/store.ts'
import { type ChildKind, ChildWriter, shapeOf } from './children.ts'
import { projectChild } from './observed.ts'

function deployment(name: string, container: object, uid = 'u'): K8sObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name }, uid },
    spec: { template: { spec: { containers: [{ name: 'main', ...container }] } } },
  } as K8sObject
}

describe('shapeOf', () => {
  it('is one for objects that differ in values, names and images', () => {
    expect(shapeOf(deployment('a', { image: 'x:1' }))).toBe(
      shapeOf(deployment('b', { image: 'y:2' })),
    )
  })

  it('counts a key that is named after the MeetingCluster as the same in each', () => {
    const config = (namespace: string, key: string): K8sObject => ({
      kind: 'ConfigMap',
      metadata: { name: 'x', namespace, labels: { 'parley.dev/cluster': 'demo' } },
      ...{ data: { [key]: '' } },
    })
    expect(shapeOf(config('a', 'a-demo-dashboard.json'))).toBe(
      shapeOf(config('b', 'b-demo-dashboard.json')),
    )
    expect(shapeOf(config('a', 'a-demo-dashboard.json'))).not.toBe(
      shapeOf(config('b', 'a-demo-dashboard.json')),
    )
  })

  it.each([
    ['another field', deployment('a', { image: 'x', command: ['x'] })],
    ['another key of a list item', deployment('a', { image: 'x', name: 'other' })],
    ['another kind', { ...deployment('a', { image: 'x' }), kind: 'StatefulSet' }],
    ['another port', deployment('a', { image: 'x', ports: [{ containerPort: 81 }] })],
  ])('differs with %s', (_, other) => {
    expect(shapeOf(other)).not.toBe(shapeOf(deployment('a', { image: 'x' })))
  })
})

describe('ChildWriter', () => {
  const owner = (name: string) => ({
    namespace: 'ns',
    reference: {
      apiVersion: 'v',
      kind: 'MeetingCluster',
      name,
      uid: `uid-${name}`,
      controller: true,
    },
  })
  const wanted = (name: string): K8sObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'ns' },
    ...{ data: { key: name } },
  })

  /** An API server that keeps what is applied, with the fields owned. */
  function setUp() {
    const objects = new Map<string, K8sObject>()
    const calls: string[] = []
    let version = 0
    const client = {
      async apply(_: Resource, __: string | undefined, name: string, body: string, how = {}) {
        calls.push('dryRun' in how ? 'try' : 'apply')
        const object = JSON.parse(body) as K8sObject
        object.metadata.uid = `uid-of-${name}`
        object.metadata.resourceVersion = String(++version)
        object.metadata.managedFields = [
          { manager: 'parley', operation: 'Apply', fieldsV1: { 'f:data': {} } },
        ]
        if (!('dryRun' in how)) objects.set(name, object)
        return object
      },
      async peek(_: Resource, __: string | undefined, name: string) {
        calls.push('peek')
        return objects.get(name)
      },
      get: async () => Promise.reject(new Error('not asked for')),
      delete: async () => {},
    }
    const kind = (): ChildKind => {
      const store = new Store({ project: projectChild })
      for (const object of objects.values()) store.upsert(object)
      return { resource: CONFIG_MAPS, store, problem: () => undefined }
    }
    return { client, calls, kind }
  }

  it('REQ-K1: after a restart one dry run teaches the shape of many, and nothing is written', async () => {
    const { client, calls, kind } = setUp()
    const names = ['a', 'b', 'c', 'd']
    const ensureAll = (writer: ChildWriter, known: ChildKind) =>
      Promise.all(
        names.map((name) => writer.ensure({ kind: known, object: wanted(name) }, owner(name))),
      )
    const first = kind()
    const writer = new ChildWriter(client)
    expect(await ensureAll(writer, first)).toEqual(
      Array(4).fill({ result: 'applied', created: true }),
    )
    expect(await ensureAll(writer, first)).toEqual(Array(4).fill({ result: 'unchanged' }))
    expect(calls.splice(0).filter((call) => call === 'apply')).toHaveLength(4)

    expect(await ensureAll(new ChildWriter(client), kind())).toEqual(
      Array(4).fill({ result: 'unchanged' }),
    )
    expect(calls).toEqual(['try'])
  })

  it('REQ-K1: annotations that a spec gives are written as they are, whatever they say, and only over what is ours', async () => {
    const { client, kind } = setUp()
    const bodies: K8sObject[] = []
    const apply = async (...args: Parameters<typeof client.apply>) => {
      bodies.push(JSON.parse(args[3]))
      return client.apply(...args)
    }
    const writer = new ChildWriter({ ...client, apply })
    const known = kind()
    const object = wanted('a')
    const given = { '1': 'x', 'parley.dev/hash': '################', z: '################ "}' }
    object.metadata.annotations = given
    const child = { kind: known, object }
    expect(await writer.ensure(child, owner('a'))).toMatchObject({ result: 'applied' })
    expect(await writer.ensure(child, owner('a'))).toEqual({ result: 'unchanged' })
    const [{ metadata } = wanted('a')] = bodies
    expect(metadata.resourceVersion).toBe('1')
    expect(metadata.annotations).toEqual({
      ...given,
      'parley.dev/hash': expect.stringMatching(/^[\w-]{16}$/),
    })
  })
})
