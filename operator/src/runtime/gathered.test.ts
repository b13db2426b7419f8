import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Gathered } from './gathered.ts'

describe('bytes that come in pieces', () => {
  it('REQ-K1: are those that came in less those that were dropped', () => {
    const steps = fc.array(
      fc.oneof(
        fc
          .nat(40_000)
          .map((length) => Buffer.from(Array.from({ length }, (_, at) => at * 31 + length))),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(steps, (steps) => {
        const gathered = new Gathered()
        let expected = Buffer.alloc(0)
        for (const step of steps) {
          if (typeof step === 'number') {
            const count = Math.floor(step * expected.length)
            gathered.drop(count)
            expected = expected.subarray(count)
          } else {
            gathered.add(step)
            expected = Buffer.concat([expected, step])
          }
          expect(gathered.length).toBe(expected.length)
          expect(gathered.bytes.equals(expected)).toBe(true)
        }
      }),
    )
  })

  it('REQ-K1: have the same memory again and again', () => {
    const gathered = new Gathered()
    gathered.add(Buffer.alloc(7000))
    const { buffer } = gathered.bytes
    for (let object = 0; object < 100; object++) {
      for (let piece = 0; piece < 4; piece++) gathered.add(Buffer.alloc(2048))
      gathered.drop(8192)
    }
    expect(gathered.bytes.buffer).toBe(buffer)
    expect(gathered.length).toBe(7000)
  })
})
