import { describe, expect, it } from '@jest/globals'
import type { K8sObject } from './resources.ts'
import { type Entry, isNewer, Store } from './store.ts'

function object(name: string, resourceVersion: string, group = 'g'): K8sObject {
  return {
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion, labels: { group } },
  }
}

function setUp() {
  const changes: string[] = []
  const store = new Store<Entry>({
    project: ({ metadata }) => ({
      uid: metadata.uid ?? '',
      resourceVersion: metadata.resourceVersion ?? '',
      group: metadata.labels?.group,
    }),
    onChange: (key, before, after, own) => {
      changes.push(
        `${key} ${before?.resourceVersion ?? '-'}→${after?.resourceVersion ?? '-'}${own ? ' own' : ''}`,
      )
    },
  })
  return { store, changes }
}

describe('Store', () => {
  it('finds members of a group, also after they moved to another or went', () => {
    const { store } = setUp()
    store.upsert(object('a', '1'))
    store.upsert(object('b', '2'))
    expect(store.group('g').map(({ uid }) => uid)).toEqual(['uid-a', 'uid-b'])
    store.upsert(object('a', '2'))
    expect(store.group('g').map(({ resourceVersion }) => resourceVersion)).toEqual(['2', '2'])
    store.upsert(object('a', '3', 'h'))
    store.remove(object('b', '4'))
    expect(store.group('g')).toEqual([])
    expect(store.group('h')).toEqual([store.get('ns/a')])
  })

  it('knows the echo of a write of its own once, and nobody else’s', () => {
    const { store, changes } = setUp()
    store.observe(object('a', '5'))
    expect([store.knows('4'), store.knows('5'), store.knows('5')]).toEqual([false, true, false])
    // What the watch had delivered before the answer came is no echo to wait for.
    store.upsert(object('b', '6'))
    store.observe(object('b', '6'))
    expect(store.knows('6')).toBe(false)
    expect(changes).toEqual(['ns/a -→5 own', 'ns/b -→6'])
  })

  it('the echo of a write that it has observed is no change', () => {
    const { store, changes } = setUp()
    store.observe(object('a', '5'))
    store.upsert(object('a', '5'))
    expect(changes).toEqual(['ns/a -→5 own'])
  })

  it('a late answer does not bring back what has been deleted since', () => {
    const { store } = setUp()
    store.upsert(object('a', '5'))
    store.remove(object('a', '9'))
    store.observe(object('a', '7'))
    expect(store.get('ns/a')).toBeUndefined()
  })

  it('a late word that it was deleted does not take away what was made again since', () => {
    const { store, changes } = setUp()
    store.upsert(object('a', '5'))
    store.observe(object('a', '8'))
    store.remove(object('a', '7'))
    // The watch tells of it no more: it is left out as known.
    expect(store.knows('8')).toBe(true)
    expect(store.get('ns/a')).toMatchObject({ resourceVersion: '8' })
    store.remove(object('a', '9'))
    expect(store.get('ns/a')).toBeUndefined()
    expect(changes).toEqual(['ns/a -→5', 'ns/a 5→8 own', 'ns/a 8→-'])
  })

  it('after a list, what the list did not have is gone', () => {
    const { store, changes } = setUp()
    store.upsert(object('a', '1'))
    store.upsert(object('b', '2'))
    store.retain(new Set(['ns/b']))
    expect([...store.keys()]).toEqual(['ns/b'])
    expect(changes.at(-1)).toBe('ns/a 1→-')
  })

  it('compares versions as numbers of any length', () => {
    expect(isNewer('10', '9')).toBe(true)
    expect(isNewer('9', '10')).toBe(false)
    expect(isNewer('9007199254740993', '9007199254740992')).toBe(true)
    expect(isNewer('5', '5')).toBe(false)
  })
})
