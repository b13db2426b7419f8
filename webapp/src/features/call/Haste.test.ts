import { describe, expect, it } from '@jest/globals'
import { TestClock } from '../../testing/TestClock.ts'
import { Haste } from './Haste.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the haste of a page that joins', () => {
  it('REQ-W2: ends as soon as the first connection has what it needs', async () => {
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

  it('REQ-W2: keeps nobody before an empty page for longer than 0.4 s', async () => {
    const clock = new TestClock()
    let drawn = false
    void new Haste(clock).over.then(() => {
      drawn = true
    })
    await clock.advance(399)
    await settled()
    expect(drawn).toBe(false)
    await clock.advance(1)
    await settled()
    expect(drawn).toBe(true)
  })

  it('REQ-W2: over the SFU, which has more steps to take, for no longer than 1 s', async () => {
    const clock = new TestClock()
    let drawn = false
    const haste = new Haste(clock)
    void haste.over.then(() => {
      drawn = true
    })
    await clock.advance(200)
    haste.overSfu()
    await clock.advance(799)
    await settled()
    expect(drawn).toBe(false)
    await clock.advance(1)
    await settled()
    expect(drawn).toBe(true)
  })
})
