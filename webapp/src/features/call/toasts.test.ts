import { describe, expect, it } from '@jest/globals'
import type { Notice } from './callState.ts'
import { toastLines } from './toasts.ts'

const of = (kind: Notice['kind'], ...names: string[]): Notice[] =>
  names.map((name, index) => ({ id: index + (kind === 'left' ? 100 : 0), kind, name }))

describe('who came and went, on screen', () => {
  it('REQ-P4: a few are told one by one', () => {
    expect(toastLines([...of('joined', 'Ana', 'Minh'), ...of('left', 'Kofi')])).toEqual([
      { key: 0, kind: 'joined', name: 'Ana', others: 0 },
      { key: 1, kind: 'joined', name: 'Minh', others: 0 },
      { key: 100, kind: 'left', name: 'Kofi', others: 0 },
    ])
  })

  it('REQ-K8: many are two lines at most, however many come and go at once', () => {
    const names = Array.from({ length: 50 }, (_, index) => `Guest ${index}`)
    expect(toastLines(of('joined', ...names))).toEqual([
      { key: 'joined', kind: 'joined', name: 'Guest 49', others: 49 },
    ])
    expect(toastLines([...of('joined', ...names), ...of('left', 'Kofi')])).toEqual([
      { key: 'joined', kind: 'joined', name: 'Guest 49', others: 49 },
      { key: 'left', kind: 'left', name: 'Kofi', others: 0 },
    ])
  })
})
