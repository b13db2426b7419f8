import { expect, it } from '@jest/globals'
import { Batches } from './batches.ts'

/** All that is given until the end, and how often somebody was woken for it. */
async function taken(batches: Batches<number>, end: Promise<unknown>, act: () => void) {
  const all: number[][] = []
  for await (const batch of batches.until(end)) {
    all.push(batch)
    act()
  }
  return all
}

it('gives all batches in order, also those that come while one is worked on, and ends', async () => {
  const batches = new Batches<number>()
  const { promise: end, resolve } = Promise.withResolvers<void>()
  batches.add([1, 2])
  batches.add([])
  let more = 3
  const all = taken(batches, end, () => {
    if (more < 6) batches.add([more++])
    else resolve()
  })
  expect(await all).toEqual([[1, 2], [3], [4], [5]])
})

it('gives what came before the end, however that was', async () => {
  const batches = new Batches<number>()
  batches.add([1])
  const end = Promise.reject(new Error('cut off'))
  expect(await taken(batches, end, () => {})).toEqual([[1]])
  expect(await taken(new Batches(), Promise.resolve(), () => {})).toEqual([])
})
