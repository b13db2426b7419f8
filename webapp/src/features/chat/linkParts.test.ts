import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { linkParts } from './linkParts.ts'

const urls = (text: string) => linkParts(text).flatMap(({ url }) => url ?? [])

describe('links of a message', () => {
  it.each([
    ['see https://example.org/a?b=c#d.', ['https://example.org/a?b=c#d']],
    ['(http://example.org/a_(b))', ['http://example.org/a_(b)']],
    ['https://例え.jp/パス', ['https://xn--r8jz45g.jp/%E3%83%91%E3%82%B9']],
    ['http://127.0.0.1:8080/r/standup', ['http://127.0.0.1:8080/r/standup']],
    ['README.md, 1.2.3, a@example.org, example.org', []],
    [
      'javascript:alert(1) data:text/html,x ftp://example.org //example.org mailto:a@example.org',
      [],
    ],
    // Names before an @ are none of the host: the link leads where it says.
    ['https://bank.example@evil.example/', ['https://bank.example/']],
    ['https://example.org/\u202egpj.exe', []],
  ])('%s', (text, expected) => {
    expect(urls(text)).toEqual(expected)
  })

  it('any text is kept to the letter, and no link leads anywhere but to the web', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.constantFrom(
        'javascript:',
        'https://',
        'http://',
        '"',
        '<',
        '&',
        '\u202e',
        '\n',
        '@',
        'data:',
      ),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const parts = linkParts(text)
        expect(parts.map((part) => part.text).join('')).toBe(text)
        for (const { url } of parts) if (url !== undefined) expect(url).toMatch(/^https?:\/\//)
      }),
      { numRuns: 300 },
    )
  })

  it('REQ-W1: are found in browsers of 2023, too, which have no URL.canParse', () => {
    const { canParse } = URL
    Reflect.deleteProperty(URL, 'canParse')
    try {
      expect(urls('http://[ https://example.org')).toEqual(['https://example.org/'])
    } finally {
      URL.canParse = canParse
    }
  })
})
