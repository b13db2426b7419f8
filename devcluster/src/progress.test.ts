import { describe, expect, it } from '@jest/globals'
import { formatProgress, type ProgressEvent, step } from './progress.ts'

describe('progress', () => {
  it('REQ-K1: says what, how far, since when and how long it usually takes', () => {
    expect(
      formatProgress({
        step: 'build kubernetes',
        state: 'running',
        done: 120,
        total: 900,
        unit: 'packages',
        elapsedSeconds: 61,
        usualSeconds: 280,
      }),
    ).toBe('build kubernetes, 120 of 900 packages, 61 s, usually 4 min 40 s')
  })

  it('REQ-K1: reports the start and the end of a step, and what comes between', async () => {
    const events: ProgressEvent[] = []
    const result = await step(
      (event) => events.push(event),
      'copy',
      3,
      async (report) => {
        report(1, 2, 'files')
        return 'copied'
      },
    )
    expect(result).toBe('copied')
    expect(events.map(({ state, done }) => [state, done])).toEqual([
      ['running', undefined],
      ['running', 1],
      ['done', undefined],
    ])
  })
})
