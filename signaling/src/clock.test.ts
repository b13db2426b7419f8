import { describe, expect, it, jest } from '@jest/globals'
import { systemClock } from './clock.ts'

describe('the machine’s clock', () => {
  it('REQ-K7: a time that is longer than a timer can take is not over at once', () => {
    const task = jest.fn()
    jest.useFakeTimers()
    try {
      // As Node does with what does not fit into 31 bits.
      const timer = jest.spyOn(globalThis, 'setTimeout')
      const cancel = systemClock.after(30 * 86_400_000, task)
      expect(timer).toHaveBeenCalledWith(task, 2 ** 31 - 1)
      cancel()
      jest.runAllTimers()
      expect(task).not.toHaveBeenCalled()
    } finally {
      jest.useRealTimers()
      jest.restoreAllMocks()
    }
  })
})
