import { expect, it } from '@jest/globals'
import { within } from './clock.ts'
import { settle, TestClock } from './testing/TestClock.ts'

it('REQ-W2: what is waited for is waited for so long and no longer', async () => {
  const clock = new TestClock()
  const done: string[] = []
  const note = (what: string, waited: Promise<void>) =>
    void waited.then(
      () => done.push(what),
      () => done.push(`${what} fails`),
    )
  note('there', within(clock, 1000, Promise.resolve()))
  note('refused', within(clock, 1000, Promise.reject(new Error('no'))))
  note('never', within(clock, 1000, new Promise(() => {})))
  await settle()
  expect(done).toEqual(['there', 'refused fails'])
  await clock.advance(999)
  expect(done).toHaveLength(2)
  await clock.advance(1)
  expect(done).toEqual(['there', 'refused fails', 'never'])
})
