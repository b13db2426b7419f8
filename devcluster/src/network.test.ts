import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  chooseSubnet,
  clientNamespace,
  MAX_NODES,
  machineInterface,
  nodeAddresses,
  nodeNamespace,
  subnetAddresses,
  switchNamespace,
} from './network.ts'

const clusterName = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/)
const subnetIndex = fc.integer({ min: 64, max: 223 })

describe('chooseSubnet', () => {
  it('REQ-K1: gives a name the same network each time', () => {
    fc.assert(
      fc.property(clusterName, (name) => {
        expect(chooseSubnet(name, [])).toEqual(chooseSubnet(name, ['192.168.0.0/16']))
      }),
    )
  })

  it('REQ-K1: never takes a network that is in use, whole or in part', () => {
    fc.assert(
      fc.property(clusterName, fc.uniqueArray(subnetIndex, { maxLength: 100 }), (name, taken) => {
        const used = taken.flatMap((index) => [
          `10.${index}.0.0/16`,
          `10.${index}.200.0/24`,
          `10.${index}.3.7`,
        ])
        expect(taken).not.toContain(chooseSubnet(name, used).index)
      }),
    )
  })

  it('REQ-K1: avoids a wider route while it can, and overrules one that covers all', () => {
    const half = chooseSubnet('dev', ['10.0.0.0/9'])
    expect(half.index).toBeGreaterThanOrEqual(128)
    const own = chooseSubnet('dev', [])
    expect(chooseSubnet('dev', ['10.0.0.0/8'])).toEqual(own)
    expect(chooseSubnet('dev', ['10.0.0.0/8', `10.${own.index}.0.0/24`])).not.toEqual(own)
  })

  it('REQ-K1: says what to do when none is free', () => {
    const all = Array.from({ length: 256 }, (_, index) => `10.${index}.0.0/16`)
    expect(() => chooseSubnet('dev', all)).toThrow(/take other clusters down/)
  })
})

describe('the addresses of a cluster', () => {
  it('REQ-K1: differ from node to node and leave the other networks alone', () => {
    fc.assert(
      fc.property(clusterName, subnetIndex, (name, index) => {
        const nodes = nodeAddresses(name, { index }, MAX_NODES)
        const { machine, controlPlane } = subnetAddresses({ index })
        const all = [machine, controlPlane, ...nodes.flatMap((n) => [n.address, n.podCidr])]
        expect(new Set(all).size).toBe(all.length)
      }),
    )
  })

  it('REQ-K1: keep namespaces of different clusters apart', () => {
    fc.assert(
      fc.property(clusterName, clusterName, (one, other) => {
        fc.pre(one !== other)
        const names = (cluster: string) => [
          switchNamespace(cluster),
          nodeNamespace(cluster, 'n1'),
          clientNamespace(cluster, 'n1'),
        ]
        for (const name of names(one)) expect(names(other)).not.toContain(name)
      }),
    )
  })

  it('REQ-K1: fit the kernel’s limit for interface names', () => {
    fc.assert(
      fc.property(clusterName, (name) => {
        expect(machineInterface(name).length).toBeLessThanOrEqual(15)
      }),
    )
  })
})
