/**
 * How long it takes until a mesh is complete (docs/decisions/0027): three people open a link at once, and each message,
 * each step of the server and of a browser takes up to so long. By a clock that a test turns, so that it says the same
 * on every machine.
 *
 * npm run mesh-times -w @parley/webapp [-- milliseconds …]
 */
import { FakeMeeting } from './FakeMeeting.ts'
import { seeded } from './seeded.ts'
import { TestClock } from './TestClock.ts'

const runs = 60
const longestMs = 180_000

/** @returns ms by the clock; Infinity where it was not complete in time */
async function untilComplete(slowestMs: number, seed: number): Promise<number> {
  const clock = new TestClock()
  const share = seeded(seed)
  const meeting = new FakeMeeting(clock, () => share() * slowestMs)
  for (const id of ['p-0', 'p-1', 'p-2']) meeting.open(id)
  while (!meeting.complete && clock.now() < longestMs) {
    for (const { call, session } of meeting.pages.values())
      if (call.get().phase === 'failed') void session.retry()
    await clock.advance(50)
  }
  return meeting.complete ? clock.now() : Infinity
}

const given = process.argv.slice(2).map(Number)
for (const slowestMs of given.length > 0 ? given : [100, 3000]) {
  const times: number[] = []
  for (let seed = 1; seed <= runs; seed++) times.push(await untilComplete(slowestMs, seed))
  const done = times.filter((ms) => ms < Infinity)
  const seconds = (ms: number) => (ms / 1000).toFixed(1)
  process.stdout.write(
    `steps of up to ${slowestMs} ms: ${done.length} of ${runs} runs complete, the last after ${seconds(Math.max(...done))} s\n`,
  )
}
