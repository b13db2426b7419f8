import { describe, expect, it } from '@jest/globals'
import { turnRefreshDelayMs } from './turnExpiry.ts'

const server = (expirySeconds: number) => ({
  urls: ['turn:192.0.2.1'],
  username: `${expirySeconds}:t.r.p`,
})

describe('turnRefreshDelayMs', () => {
  it('is 80 % of the time that the shortest credentials have left', () => {
    expect(turnRefreshDelayMs([server(5000), server(4600)], 1_000_000)).toBe(2_880_000)
  })

  it('never makes a busy loop of credentials that are over', () => {
    expect(turnRefreshDelayMs([server(1)], 1_000_000)).toBe(5000)
  })

  it('is undefined where nothing expires', () => {
    expect(turnRefreshDelayMs([{ urls: ['stun:192.0.2.1'] }], 0)).toBeUndefined()
    expect(turnRefreshDelayMs([{ urls: ['turn:x'], username: 'fixed' }], 0)).toBeUndefined()
  })
})
