import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { PERSISTENT_VOLUME_CLAIMS } from '../runtime/resources.ts'
import { Store } from '../runtime/store.ts'
import type { ChildKind } from './children.ts'
import { projectChild, projectStorageClass } from './observed.ts'
import { missingStorageClasses, storageOf, withoutVolume } from './volumes.ts'

const DEFAULT = 'storageclass.kubernetes.io/is-default-class'

interface Given {
  /** By name: the annotation that makes it the default one, if any. */
  classes?: Record<string, string>
  claims?: string[]
  readsStorageClasses?: boolean
}

function world({ classes = {}, claims = [], readsStorageClasses = true }: Given = {}) {
  const storageClasses = new Store({ project: projectStorageClass })
  for (const [name, annotation] of Object.entries(classes))
    storageClasses.upsert({
      metadata: { name, ...(annotation ? { annotations: { [annotation]: 'true' } } : {}) },
    })
  const store = new Store({ project: projectChild })
  for (const name of claims) store.upsert({ metadata: { name, namespace: 'meetings' } })
  const kind: ChildKind = { resource: PERSISTENT_VOLUME_CLAIMS, store, problem: () => undefined }
  const children = new Map([['PersistentVolumeClaim', kind]])
  return { children, storageClasses, readsStorageClasses }
}

const named = meetingCluster({ store: { storageClassName: 'fast' } })
const missing = (given: Given, mc = named, ready = 0) =>
  missingStorageClasses(world(given), mc, { meter: { ready } }).map(({ message }) => message)

describe('where data is kept', () => {
  it.each([DEFAULT, 'storageclass.beta.kubernetes.io/is-default-class'])(
    'on volumes where there is a default class, by %s',
    (annotation) => {
      expect(storageOf(world({ classes: { fast: annotation } }), meetingCluster())).toEqual({
        redis: 'Volume',
        meter: 'Volume',
      })
    },
  )

  it('with the pod where there is none; a claim that is there is kept', () => {
    expect(storageOf(world({ classes: { fast: '' } }), meetingCluster())).toEqual({
      redis: 'None',
      meter: 'None',
    })
    expect(storageOf(world({ claims: ['demo-meter-store'] }), meetingCluster())).toEqual({
      redis: 'None',
      meter: 'Volume',
    })
  })

  it('REQ-K5: never with the pod where the spec names a class, also where that is not there, or cannot be seen', () => {
    expect(storageOf(world({ classes: { fast: '' } }), named).meter).toBe('Volume')
    expect(storageOf(world({ classes: { slow: DEFAULT } }), named)).toEqual({
      redis: 'Volume',
      meter: 'Awaited',
    })
    expect(storageOf(world({ readsStorageClasses: false }), named)).toEqual({
      redis: 'None',
      meter: 'Volume',
    })
  })

  it('REQ-K5: a class that is not there is named, with those that are', () => {
    expect(missing({ classes: { slow: DEFAULT, big: '' } })).toEqual([
      'spec.store.storageClassName: there is no StorageClass fast; create it, or name one that there is (big, slow)',
    ])
    const both = meetingCluster({
      redis: { storageClassName: 'fast' },
      store: { storageClassName: 'fast' },
    })
    expect(missing({}, both)).toEqual([
      'spec.redis.storageClassName: there is no StorageClass fast; create it',
      'spec.store.storageClassName: there is no StorageClass fast; create it',
    ])
  })

  it('nothing is missing that is there, runs, cannot be seen, or is not asked for', () => {
    expect(missing({ classes: { fast: '' } })).toEqual([])
    expect(missing({ claims: ['demo-meter-store'] }, named, 1)).toEqual([])
    expect(missing({ readsStorageClasses: false })).toEqual([])
    const elsewhere = { storageClassName: 'fast', mode: 'MySQL', mysql: { secretName: 'db' } }
    expect(missing({}, meetingCluster({ store: elsewhere as never }))).toEqual([])
  })

  it('who has no volume is among those that keep data', () => {
    expect(withoutVolume(world(), meetingCluster())).toEqual(['redis', 'meter'])
    const external = meetingCluster({ redis: { mode: 'External', external: { url: 'redis://r' } } })
    expect(withoutVolume(world(), external)).toEqual(['meter'])
    expect(withoutVolume(world({ classes: { fast: DEFAULT } }), meetingCluster())).toEqual([])
  })
})
