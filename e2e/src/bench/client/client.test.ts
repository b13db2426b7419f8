import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { meetsFloor } from '../bench.ts'
import { drawnOf, figuresOf } from './drawn.ts'
import { datagramIn, fillChecksum } from './frames.ts'
import { eventIn } from './reports.ts'
import { truthOf } from './truth.ts'
import type { Account, Carried } from './wire.ts'

const everybody = () => true

/** VXLAN, Ethernet, IPv4 and UDP around a payload, with no checksums. */
function frameOf(payload: Buffer, { from = 0x0ae80002, to = 0x0ae80003, protocol = 17 } = {}) {
  const frame = Buffer.alloc(8 + 14 + 20 + 8 + payload.length)
  frame.writeUInt16BE(0x0800, 20)
  frame[22] = 0x45
  frame.writeUInt16BE(28 + payload.length, 24)
  frame[31] = protocol
  frame.writeUInt32BE(from, 34)
  frame.writeUInt32BE(to, 38)
  frame.writeUInt16BE(8 + payload.length, 46)
  payload.copy(frame, 50)
  return frame
}

describe('a line whose account is kept', () => {
  it('REQ-M7: tells media from what else goes over the same port', () => {
    const kindOf = (...bytes: number[]) => datagramIn(frameOf(Buffer.from(bytes)), everybody)
    expect(kindOf(0x80, 111, 0, 0)).toEqual({ bytes: 4, rtp: true })
    // With a marker, as the last packet of a picture has it.
    expect(kindOf(0x90, 0x80 | 96, 0, 0)).toEqual({ bytes: 4, rtp: true })
    expect(kindOf(0x81, 200, 0, 0)).toEqual({ bytes: 4, rtp: false })
    // STUN, DTLS.
    expect(kindOf(0, 1, 0, 0)).toEqual({ bytes: 4, rtp: false })
    expect(kindOf(22, 254, 253, 0)).toEqual({ bytes: 4, rtp: false })
    expect(datagramIn(frameOf(Buffer.from([0x80, 111])), () => false)).toBeUndefined()
    expect(datagramIn(frameOf(Buffer.from([0x80]), { protocol: 6 }), everybody)).toBeUndefined()
  })

  it('REQ-M7: reads no frame beyond its end, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const frame = Buffer.from(bytes)
        datagramIn(frame, everybody)
        fillChecksum(frame)
        expect(frame).toHaveLength(bytes.length)
      }),
    )
  })

  it('REQ-M7: fills in checksums with which all of a packet adds up to nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 1400 }), (bytes) => {
        const frame = frameOf(Buffer.from(bytes))
        fillChecksum(frame)
        const length = 8 + bytes.length
        let sum = 17 + length
        for (let index = 34; index < 42; index += 2) sum += frame.readUInt16BE(index)
        const padded = Buffer.concat([frame.subarray(42), Buffer.alloc(length % 2)])
        for (let index = 0; index < padded.length; index += 2) sum += padded.readUInt16BE(index)
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
        expect(sum).toBe(0xffff)
      }),
    )
  })
})

describe('what was true while a report was made', () => {
  const carried = (seconds: number, kbytes: number): Carried => ({
    ...{ bytes: seconds * kbytes * 1000, lostBytes: seconds * 1000 },
    ...{ rtp: seconds * 100, lost: seconds * 2, heldMs: seconds * 100 * 40, held: seconds * 100 },
  })
  const accounts: Account[] = [0, 1, 2, 3, 4, 5, 6].map((seconds) => ({
    atMs: seconds * 1000,
    up: carried(seconds, 50),
    down: carried(seconds, 100),
  }))

  it('REQ-M7: is what the line did in those seconds, as each end sees it', () => {
    expect(truthOf(accounts, 'space', 1000, 6000)).toEqual({
      ...{ upKbps: 400, downKbps: 792, rttMs: 80, lossPercent: 2 },
    })
    expect(truthOf(accounts, 'bridge', 900, 5900)).toEqual({
      ...{ upKbps: 800, downKbps: 392, rttMs: 80, lossPercent: 2 },
    })
  })

  it('REQ-M7: is not known before the first account, nor after the last', () => {
    expect(truthOf(accounts, 'space', -1, 4000)).toBeUndefined()
    expect(truthOf(accounts, 'space', 2000, 6001)).toBeUndefined()
  })
})

describe('frames that a page draws', () => {
  /** One second of them at 60 Hz, without those at these places. */
  const second = (...missing: number[]) => ({
    atMs: Array.from({ length: 61 }, (_, index) => (index * 1000) / 60).filter(
      (_, index) => !missing.includes(index),
    ),
    longTasks: 1,
  })

  it('REQ-M2: are counted by the second, and late where one is missing before them', () => {
    const figures = (...missing: number[]) => Object.values(drawnOf(second(...missing)))
    expect(figures()).toEqual([expect.closeTo(60), 0, expect.closeTo(60)])
    expect(figures(20, 40, 41)).toEqual([57, 120, 60].map((value) => expect.closeTo(value)))
  })

  it('REQ-M2: are as many as without monitoring, and 60 a second where the machine draws so many', () => {
    const drawn = (perSecond: number) => ({ perSecond, latePerMinute: 0, longTasksPerMinute: 0 })
    const judged = (...pairs: [number, number][]) =>
      figuresOf(pairs.map(([on, off]) => ({ on: drawn(on), off: drawn(off) })))
        .slice(0, 2)
        .map(meetsFloor)
    expect(judged([60, 60], [60, 60])).toEqual([true, true])
    expect(judged([58.7, 60], [58.7, 60])).toEqual([false, false])
    expect(judged([45.5, 46], [44.5, 45])).toEqual([true, true])
    expect(judged([44, 46], [44, 45])).toEqual([false, true])
  })
})

it('REQ-M5: a page’s events are read as they go over its socket', () => {
  const delta = { n: 4, rtt: 12 }
  expect(
    eventIn(`42/meeting-metrics,["meeting:metrics",{"metrics":${JSON.stringify(delta)}}]`),
  ).toEqual(delta)
  expect(eventIn('42/meeting-metrics,["meeting:metrics",{"metrics":[4,4,12]}]')).toEqual(delta)
  expect(eventIn('42["signal",{}]')).toBeUndefined()
  expect(eventIn('40/meeting-metrics,{"token":"x"}')).toBeUndefined()
  expect(eventIn('2')).toBeUndefined()
})
