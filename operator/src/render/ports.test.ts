import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { hostPort, mediaPorts, type PortRange } from './ports.ts'

const ports = (range: PortRange) => mediaPorts(range).map(({ hostPort }) => hostPort)

const anyRange = fc
  .tuple(fc.integer({ min: 1024, max: 65535 }), fc.integer({ min: 1024, max: 65535 }))
  .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }))

describe('media ports', () => {
  it('REQ-K4: ranges that overlap have a host port in common, so no node gets both', () => {
    fc.assert(
      fc.property(anyRange, anyRange, (a, b) => {
        const overlap = a.min <= b.max && b.min <= a.max
        const shared = ports(a).filter((port) => ports(b).includes(port))
        if (overlap) expect(shared).not.toEqual([])
        // Apart by a block or more, they may share a node.
        if (a.max + 1024 < b.min || b.max + 1024 < a.min) expect(shared).toEqual([])
      }),
    )
  })

  it('REQ-K4: the default ranges of TURN and SFU share a node', () => {
    const [sfu, turn] = [ports({ min: 40000, max: 49151 }), ports({ min: 49152, max: 65535 })]
    expect(sfu).toHaveLength(9)
    expect(turn).toHaveLength(16)
    expect(sfu.filter((port) => turn.includes(port))).toEqual([])
  })

  it('are named, and leave out what the pod listens on anyway', () => {
    expect(mediaPorts({ min: 40000, max: 40100 })).toEqual([
      { name: 'media-39', protocol: 'UDP', containerPort: 39936, hostPort: 39936 },
    ])
    expect(mediaPorts({ min: 40000, max: 40100 }, [hostPort('turn', 'UDP', 39936)])).toEqual([])
    expect(mediaPorts({ min: 40000, max: 40100 }, [hostPort('turn', 'TCP', 39936)])).toHaveLength(1)
  })
})
