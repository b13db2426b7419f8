import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { JsonListReader } from './json-list.ts'

function read(text: string, piece: number) {
  const bytes = Buffer.from(text)
  const items: object[] = []
  const reader = new JsonListReader((item) => items.push(item))
  for (let at = 0; at < bytes.length; at += piece) reader.take(bytes.subarray(at, at + piece))
  return { items, metadata: reader.end() }
}

const items = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })))
const metadata = fc.record({ resourceVersion: fc.string(), continue: fc.string() })
const same = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown

describe('a list in JSON', () => {
  it('REQ-K1: is read as it was written, in pieces of any length, whatever comes first', () => {
    fc.assert(
      fc.property(
        ...([items, metadata, fc.integer({ min: 1, max: 50 }), fc.boolean()] as const),
        (items, metadata, piece, isFirst) => {
          const list = isFirst
            ? { kind: 'List', metadata, items }
            : { apiVersion: 'v1', items, kind: 'List', metadata }
          const indented = JSON.stringify(list, undefined, 1)
          for (const text of [JSON.stringify(list), indented])
            expect(read(text, piece)).toEqual({ items: same(items), metadata: same(metadata) })
        },
      ),
    )
  })

  it('has no items where they are null', () => {
    const text = '{"items":null,"metadata":{"resourceVersion":"7"}}'
    expect(read(text, 10)).toEqual({ items: [], metadata: { resourceVersion: '7' } })
  })

  it.each(['{"items":[{"a":1},{"b"', '{"items":[{"a":1}', '{"items":[{"a":1}],"metadata":{}'])(
    'that is cut off is none: %s',
    (text) => {
      expect(() => read(text, 10)).toThrow(SyntaxError)
    },
  )
})
