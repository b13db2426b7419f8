import { describe, expect, it } from '@jest/globals'
import { chatSendSchema, chatTextSchema } from './social.ts'
import { chatTextMax } from './words.ts'

describe('the text of a message', () => {
  it.each([
    'hello',
    'two\nlines\tand a tab',
    'שלום',
    '👩‍👩‍👧‍👦',
    '❤️',
    '<b>not markup</b>',
    'x'.repeat(chatTextMax),
  ])('is taken: %j', (text) => {
    expect(chatTextSchema.parse(text)).toBe(text)
  })

  it.each([
    '',
    ' \n ',
    '\u200b\u2060',
    'a\u0000b',
    'a\u001b[31mb',
    'a\r\nb',
    '\ud83d',
    'x'.repeat(chatTextMax + 1),
  ])('is refused: %j', (text) => {
    expect(chatTextSchema.safeParse(text).success).toBe(false)
  })

  it.each(['short', 'has spaces in it, many', '__proto__', 'x'.repeat(65)])(
    'id refused: %j',
    (id) => {
      expect(chatSendSchema.safeParse({ id, text: 'hello' }).success).toBe(false)
    },
  )
})
