import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Cell } from '../../state.ts'
import { TestClock } from '../../testing/TestClock.ts'
import { type CallState, initialCall } from './callState.ts'
import { RoomNotices } from './RoomNotices.ts'

function shown() {
  let state = initialCall
  /** How many there were, whenever that changed. */
  const counts: number[] = []
  const call: Cell<CallState> = {
    get: () => state,
    set(patch) {
      state = { ...state, ...patch }
      counts.push(state.notices.length)
    },
  }
  const clock = new TestClock()
  return { clock, counts, call, notices: new RoomNotices(call, clock) }
}

it('REQ-K8: who comes at once with others goes with them, and nobody is counted down', async () => {
  const { clock, counts, notices } = shown()
  for (let n = 0; n < 50; n++) {
    notices.show('joined', `Guest ${n}`)
    await clock.advance(50)
  }
  await clock.advance(4000)
  expect(counts).toEqual([...Array.from({ length: 50 }, (_, n) => n + 1), 0])
})

it('REQ-P4: each is told of for 4 s, and for 8 s at most, however many come', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(5000), { minLength: 1, maxLength: 30 }), async (pauses) => {
      const { clock, call, notices } = shown()
      const came: number[] = []
      const isShown = (id: number) => call.get().notices.some((one) => one.id === id)
      const hold = () => {
        for (const [index, at] of came.entries()) {
          const forMs = clock.now() - at
          if (forMs < 4000) expect([forMs, isShown(index + 1)]).toEqual([forMs, true])
          if (forMs > 8000) expect([forMs, isShown(index + 1)]).toEqual([forMs, false])
        }
      }
      for (const pause of [...pauses, 9000]) {
        notices.show('joined', 'Ana')
        came.push(clock.now())
        for (let passed = 0; passed < pause; passed += 500) {
          await clock.advance(Math.min(500, pause - passed))
          hold()
        }
      }
      expect(call.get().notices).toEqual([])
    }),
    { numRuns: 100 },
  )
})
