import { describe, expect, it } from '@jest/globals'
import { TestClock } from '../testing/TestClock.ts'
import { LateStyles } from './LateStyles.ts'

const style = 'Unable to preload CSS for /assets/page-CBHLiO45.css'

/** @param failing the first ones of the tries */
function page(failing: number) {
  const clock = new TestClock()
  const tries: [number, string][] = []
  const styles = new LateStyles({
    clock,
    load: async (href) => {
      tries.push([clock.now(), href])
      return tries.length > failing
    },
  })
  /** @returns whether what waits for it goes on */
  const miss = (message: string) => {
    let prevented = false
    const preventDefault = () => {
      prevented = true
    }
    styles.take({ payload: new Error(message), preventDefault })
    return prevented
  }
  return { clock, tries, miss }
}

describe('styles that did not come', () => {
  it('REQ-W1: hold nothing up, and are asked for until they are there', async () => {
    const { clock, tries, miss } = page(2)
    expect(miss(style)).toBe(true)
    // Another part of the page wants it, too.
    expect(miss(style)).toBe(true)
    await clock.advance(60_000)
    const href = '/assets/page-CBHLiO45.css'
    expect(tries).toEqual([
      [1000, href],
      [3000, href],
      [7000, href],
    ])
  })

  it('are given up in the end, until they are wanted again', async () => {
    const { clock, tries, miss } = page(Infinity)
    miss(style)
    await clock.advance(600_000)
    expect(tries).toHaveLength(5)
    expect(miss(style)).toBe(true)
    await clock.advance(600_000)
    expect(tries).toHaveLength(10)
  })

  it('are no code: what that is missing for does not go on', async () => {
    const { clock, tries, miss } = page(0)
    expect(miss('Failed to fetch dynamically imported module: https://a/assets/page.js')).toBe(
      false,
    )
    await clock.advance(60_000)
    expect(tries).toEqual([])
  })
})
