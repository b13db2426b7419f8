import { describe, expect, it } from '@jest/globals'
import { takingTurns } from './in-turn.ts'

describe('takingTurns', () => {
  it('runs so many at a time, in order, also after one has failed', async () => {
    const inTurn = takingTurns(2)
    const ends: PromiseWithResolvers<void>[] = []
    const started: number[] = []
    const tasks = [0, 1, 2, 3].map((number) =>
      inTurn(() => {
        started.push(number)
        const end = Promise.withResolvers<void>()
        ends.push(end)
        return end.promise
      }),
    )
    await Promise.resolve()
    expect(started).toEqual([0, 1])
    ends[0]?.reject(new Error('failed'))
    await expect(tasks[0]).rejects.toThrow('failed')
    expect(started).toEqual([0, 1, 2])
    for (const end of ends) end.resolve()
    await tasks[2]
    expect(started).toEqual([0, 1, 2, 3])
    ends[3]?.resolve()
    await Promise.all(tasks.slice(1))
  })
})
