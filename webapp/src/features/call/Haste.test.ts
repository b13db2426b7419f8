import { describe, expect, it } from '@jest/globals'
import { TestClock } from '../../testing/TestClock.ts'
import { Haste } from './Haste.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the haste of a page that joins', () => {
  it('REQ-W2: ends with the first picture', async () => {
    const haste = new Haste(new TestClock())
    let drawn = 0
    void haste.over.then(() => drawn++)
    await settled()
    expect(drawn).toBe(0)
    haste.end()
    haste.end()
    await settled()
    expect(drawn).toBe(1)
  })

  it('REQ-W1: is there in browsers of 2023, which have no Promise.withResolvers', async () => {
    const { withResolvers } = Promise
    Reflect.deleteProperty(Promise, 'withResolvers')
    try {
      const haste = new Haste(new TestClock())
      haste.end()
      await haste.over
    } finally {
      Promise.withResolvers = withResolvers
    }
  })

  const overAt = async (haste: Haste, clock: TestClock) => {
    let over = false
    void haste.over.then(() => {
      over = true
    })
    for (let ms = 0; ; ms += 50) {
      await settled()
      if (over) return clock.now()
      if (ms > 10_000) throw new Error('it is never over')
      await clock.advance(50)
    }
  }

  it('REQ-W2: keeps nobody before an empty page for longer than 0.6 s', async () => {
    const clock = new TestClock()
    expect(await overAt(new Haste(clock), clock)).toBe(600)
  })

  it.each([
    ['mesh', 1000],
    ['sfu', 1500],
  ] as const)(
    'REQ-W2: waits for a picture over the %s, but no longer than %d ms',
    async (way, ms) => {
      const clock = new TestClock()
      const haste = new Haste(clock)
      await clock.advance(200)
      haste.pictureDue(way)
      haste.entered()
      haste.answered()
      await clock.advance(100)
      haste.pictureDue(way)
      expect(await overAt(haste, clock)).toBe(ms)
    },
  )

  it('REQ-W2: waits for the answer alone where nobody is to be seen', async () => {
    const clock = new TestClock()
    const haste = new Haste(clock)
    await clock.advance(100)
    haste.entered()
    haste.answered()
    expect(await overAt(haste, clock)).toBe(100)
  })

  it('REQ-W2: waits to know who is there, also where the SFU answered before', async () => {
    const clock = new TestClock()
    const haste = new Haste(clock)
    await clock.advance(100)
    haste.takes('sfu')
    haste.answered()
    let over = false
    void haste.over.then(() => {
      over = true
    })
    await clock.advance(900)
    await settled()
    expect(over).toBe(false)
    haste.entered()
    await settled()
    expect(over).toBe(true)
  })
})
