import { describe, expect, it } from '@jest/globals'
import { pickLanguage, pickTheme } from './appearance.ts'

describe('how the page looks and speaks', () => {
  it.each([
    ['the browser’s first language', null, ['vi-VN', 'en'], 'vi'],
    ['the first one that it knows', null, ['de-DE', 'VI', 'en'], 'vi'],
    ['English, where it knows none', null, ['de'], 'en'],
    ['English, of a browser that says nothing', null, [], 'en'],
    ['what was chosen, whatever the browser says', 'en', ['vi'], 'en'],
    ['the browser’s, where what was kept is spoiled', 'klingon', ['vi'], 'vi'],
  ])('speaks %s', (_, chosen, preferred, language) => {
    expect(pickLanguage(chosen, preferred)).toBe(language)
  })

  it('is as the system is, unless something else was chosen', () => {
    expect(pickTheme(null)).toBe('system')
    expect(pickTheme('dark')).toBe('dark')
    expect(pickTheme('pink')).toBe('system')
  })
})
