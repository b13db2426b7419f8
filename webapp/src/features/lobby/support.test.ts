import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { lacking } from './support.ts'

const complete = {
  RTCPeerConnection: class {},
  RTCRtpTransceiver: class {},
  RTCRtpSender: class {
    setParameters() {}
  },
  MediaStream: class {},
  WebSocket: class {},
}

describe('browser support', () => {
  it('REQ-W1: a browser that has all of it holds calls, and one that lacks anything is told what', () => {
    expect(lacking(complete)).toEqual([])
    fc.assert(
      fc.property(fc.subarray(Object.keys(complete), { minLength: 1 }), (without) => {
        const rest = Object.entries(complete).filter(([name]) => !without.includes(name))
        expect(lacking(Object.fromEntries(rest)).sort()).toEqual([...without].sort())
      }),
    )
    expect(lacking({ ...complete, RTCRtpSender: class {} })).toEqual(['RTCRtpSender.setParameters'])
  })
})
