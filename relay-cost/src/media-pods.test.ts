import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type MediaPod, nodeTime, sfuPlaces, zonesOf } from './media-pods.ts'

const pod = (name: string, from: number, to: number, more: Partial<MediaPod> = {}): MediaPod => ({
  ...{ pod: name, component: 'turn', node: 'n1', zone: 'a', instanceType: 'c6i.large', mbps: 400 },
  ...{ from, to },
  ...more,
})

describe('node hours', () => {
  it('REQ-K5: are those of nodes with a pod of TURN: each counts once, and only then', () => {
    const pods = [
      pod('one', 0, 100),
      // Came before the first had gone.
      pod('two', 80, 150),
      pod('three', 200, 250),
      pod('other', 0, 50, { node: 'n2', mbps: 800, instanceType: '' }),
      pod('sfu', 0, 1000, { component: 'sfu', node: 'n3' }),
    ]
    expect(nodeTime(pods, { from: 0, to: 1000 })).toEqual({
      ...{ milliseconds: 150 + 50 + 50, instanceTypes: ['c6i.large'] },
      capacityMbps: (200 * 400 + 50 * 800) / 250,
    })
    expect(nodeTime(pods, { from: 90, to: 210 })?.milliseconds).toBe(60 + 10)
    expect(nodeTime(pods, { from: 300, to: 400 })).toBeUndefined()
  })

  it('REQ-K5: add up over any cut of a window, in any order of pods, and are no more than the nodes there are', () => {
    const pods = fc.array(
      fc
        .tuple(fc.nat(3), fc.nat(100), fc.nat(50))
        .map(([node, from, length]) =>
          pod(`p${node}-${from}`, from, from + length, { node: `n${node}` }),
        ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(pods, fc.nat(160), (made, cut) => {
        const of = (from: number, to: number) => nodeTime(made, { from, to })?.milliseconds ?? 0
        expect(of(0, cut) + of(cut, 160)).toBe(of(0, 160))
        expect(nodeTime(made.toReversed(), { from: 0, to: 160 })?.milliseconds ?? 0).toBe(
          of(0, 160),
        )
        expect(of(0, 160)).toBeLessThanOrEqual(160 * new Set(made.map(({ node }) => node)).size)
      }),
    )
  })
})

describe('where pods are', () => {
  it('REQ-K5: a zone is that of the pod in the realm', () => {
    const zoneOf = zonesOf([pod('demo-turn-x', 0, 1, { zone: 'b' })])
    expect([zoneOf('demo-turn-x.demo'), zoneOf('demo-turn-y.demo'), zoneOf('x')]).toEqual([
      'b',
      '',
      '',
    ])
  })

  it('REQ-K5: the SFU is where its pods were in the hour; unknown where one of them has no zone', () => {
    const sfu = (name: string, zone: string) => pod(name, 0, 10, { component: 'sfu', zone })
    const hour = { from: 5, to: 20 }
    expect(sfuPlaces([sfu('one', 'b'), sfu('two', 'a'), sfu('three', 'b')], hour, 'eu')).toEqual([
      { region: 'eu', zone: 'a' },
      { region: 'eu', zone: 'b' },
    ])
    expect(sfuPlaces([sfu('one', 'b'), sfu('two', '')], hour, 'eu')).toEqual([])
    expect(sfuPlaces([sfu('one', 'b')], { from: 11, to: 20 }, 'eu')).toEqual([])
  })
})
