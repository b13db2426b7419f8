import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { cacheRoot, clusterPaths } from './paths.ts'

describe('paths', () => {
  it('REQ-K1: follow the XDG variables', () => {
    expect(cacheRoot({ XDG_CACHE_HOME: '/c' })).toBe('/c/parley/devcluster')
    expect(clusterPaths('dev', { XDG_STATE_HOME: '/s' }).kubeconfig).toBe(
      '/s/parley/clusters/dev/kubeconfig',
    )
  })

  it('REQ-K1: a name that could leave the state directory is refused', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        fc.pre(!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name))
        expect(() => clusterPaths(name)).toThrow(/lower-case letters/)
      }),
    )
  })
})
