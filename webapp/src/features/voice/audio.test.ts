import { expect, it, jest } from '@jest/globals'
import { TestClock } from '../../testing/TestClock.ts'
import { readPlayedLevel } from './audio.ts'

it('REQ-P10: where the browser wants a click first, many voices ask it four times a second and no more', async () => {
  const resume = jest.fn(() => Promise.reject(new Error('no click yet')))
  const source = { connect() {}, disconnect() {} }
  Object.assign(globalThis, {
    AudioContext: class {
      state = 'suspended'
      resume = resume
      setSinkId() {}
      createMediaStreamSource = () => source
    },
    AnalyserNode: class {
      fftSize = 512
      getFloatTimeDomainData() {}
    },
    MediaStream: class {},
  })
  const clock = new TestClock()
  const readings = Array.from({ length: 12 }, () => readPlayedLevel({} as MediaStreamTrack, clock))
  resume.mockClear()
  for (let ms = 0; ms < 1000; ms += 50) {
    for (const { readDb } of readings) readDb()
    await clock.advance(50)
  }
  expect(resume).toHaveBeenCalledTimes(4)
})
