import { expect, it } from '@jest/globals'
import { interrupts } from './interrupts.ts'

it('the first signal ends in order, its echo is nothing, and a later one ends at once', () => {
  const done: string[] = []
  let now = 5000
  const onSignal = interrupts(
    () => done.push('in order'),
    () => done.push('at once'),
    () => now,
  )
  onSignal()
  onSignal()
  now += 999
  onSignal()
  expect(done).toEqual(['in order'])
  now += 1
  onSignal()
  expect(done).toEqual(['in order', 'at once'])
})
