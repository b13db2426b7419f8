import { describe, expect, it } from '@jest/globals'
import { browserKind } from './permissionHelp.ts'

describe('browserKind', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'firefox'],
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36',
      'chromium',
    ],
    ['Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15', 'safari'],
    [
      'Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 CriOS/140.0 Mobile/15E148 Safari/604.1',
      'chromium',
    ],
    ['something else', 'other'],
  ])('REQ-W1: knows where %s keeps permissions', (userAgent, kind) => {
    expect(browserKind(userAgent)).toBe(kind)
  })
})
