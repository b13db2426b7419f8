import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  type Decoded,
  decodeObject,
  decodeStatus,
  decodeWatchEvent,
  Frames,
  ListReader,
  MANAGED_FIELDS_BYTES,
  METADATA,
} from './protobuf.ts'

type Wire = [number: number, value: string | number | boolean | Buffer]

/** A message as Kubernetes writes it. */
function message(...fields: Wire[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number' || typeof value === 'boolean')
        return [varint(number * 8), varint(Number(value))]
      const bytes = Buffer.from(value)
      return [varint(number * 8 + 2), varint(bytes.length), bytes]
    }),
  )
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) + 128)
  return Buffer.from([...bytes, left])
}

const enveloped = (content: Buffer) =>
  Buffer.concat([Buffer.from('k8s\0'), message([1, message([1, 'v1'], [2, 'Kind'])], [2, content])])

interface Meta {
  name: string
  resourceVersion: string
  labels: Record<string, string>
  generation: number
}

const objectMeta = ({ name, resourceVersion, labels, generation }: Meta) =>
  message(
    [1, name],
    [2, ''],
    [3, ''],
    [6, resourceVersion],
    [7, generation],
    [8, message()],
    ...Object.entries(labels).map(([key, value]): Wire => [11, message([1, key], [2, value])]),
    // Of a version of Kubernetes to come, each kind of value once.
    [200, 'x'],
    [201, 300],
  )

function readList(bytes: Buffer, piece = bytes.length) {
  const items: object[] = []
  const reader = new ListReader(METADATA, (item) => items.push(item))
  for (let at = 0; at < bytes.length; at += piece) reader.take(bytes.subarray(at, at + piece))
  return { metadata: reader.end(), items }
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
const metas: fc.Arbitrary<Meta> = fc.record({
  name: text,
  resourceVersion: fc.nat().map(String),
  labels: fc.dictionary(fc.stringMatching(/^[a-z./-]{1,20}$/), fc.string(), { minKeys: 1 }),
  generation: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
})
const plain = (value: object) => JSON.parse(JSON.stringify(value)) as object

describe('an object in protobuf', () => {
  it('REQ-K1: is read as it was written, without what nobody asked for', () => {
    fc.assert(
      fc.property(metas, (meta) => {
        const object = enveloped(message([1, objectMeta(meta)], [2, 'a spec']))
        expect(plain(decodeObject(object, METADATA))).toEqual({ metadata: plain(meta) })
      }),
    )
  })

  it('has owners, and the fields of its managers as JSON text', () => {
    const fields = '{"f:data":{"f:ä":{}}}'
    const object = message([
      1,
      message(
        [13, message([1, 'MeetingCluster'], [3, 'demo'], [4, 'u'], [5, 'v1'], [6, true])],
        [17, message([1, 'parley'], [2, 'Apply'], [7, message([1, fields])], [8, ''])],
        [9, message([1, 1_700_000_000])],
      ),
    ])
    expect(decodeObject(enveloped(object), METADATA)).toEqual({
      metadata: {
        deletionTimestamp: '2023-11-14T22:13:20Z',
        managedFields: [{ manager: 'parley', operation: 'Apply', fieldsV1: fields }],
        ownerReferences: [
          { kind: 'MeetingCluster', name: 'demo', uid: 'u', apiVersion: 'v1', controller: true },
        ],
      },
    })
  })

  it('has the fields of its managers as bytes where that is asked for', () => {
    const fields = '{"f:data":{"f:ä":{}}}'
    const managed = [17, message([1, 'parley'], [2, 'Apply'], [7, message([1, fields])])] as Wire
    const object = enveloped(message([1, message(managed)]))
    const metadata = { name: 'metadata', type: { 17: MANAGED_FIELDS_BYTES } } as const
    expect(decodeObject(object, { 1: metadata })).toEqual({
      metadata: {
        managedFields: [{ manager: 'parley', operation: 'Apply', fieldsV1: Buffer.from(fields) }],
      },
    })
  })

  it('is read in lists, with where the next page begins, in whatever pieces they come', () => {
    fc.assert(
      fc.property(fc.array(metas), fc.integer({ min: 1, max: 400 }), (items, piece) => {
        const list = message(
          [1, message([2, '77'], [3, 'next'])],
          ...items.map((meta): Wire => [2, message([1, objectMeta(meta)])]),
        )
        expect(plain(readList(enveloped(list), piece))).toEqual({
          metadata: { resourceVersion: '77', continue: 'next' },
          items: items.map((meta) => ({ metadata: plain(meta) })),
        })
      }),
    )
  })

  it('REQ-K1: has its bytes while a list is read, in whatever pieces they come', () => {
    const metadata = { name: 'metadata', type: { 17: MANAGED_FIELDS_BYTES } } as const
    fc.assert(
      fc.property(fc.array(text), fc.integer({ min: 1, max: 400 }), (fields, piece) => {
        const list = message(
          ...fields.map((raw): Wire => {
            const managed = [17, message([7, message([1, raw])])] as Wire
            return [2, message([1, message(managed)])]
          }),
        )
        const read: string[] = []
        const reader = new ListReader({ 1: metadata }, (item) => {
          const { managedFields = [] } = (item as Decoded<{ 1: typeof metadata }>).metadata ?? {}
          for (const { fieldsV1 } of managedFields) read.push(String(fieldsV1))
        })
        const bytes = enveloped(list)
        for (let at = 0; at < bytes.length; at += piece) reader.take(bytes.subarray(at, at + piece))
        expect(read).toEqual(fields)
      }),
    )
  })

  it('is no list where it is cut off, or is none', () => {
    fc.assert(
      fc.property(
        fc.array(metas, { minLength: 1 }),
        fc.double({ min: 0, max: 1 }),
        (items, part) => {
          const fields = items.map((meta): Wire => [2, message([1, objectMeta(meta)])])
          const list = enveloped(message([1, message([2, '77'])], ...fields))
          const cut = list.subarray(0, Math.floor(part * (list.length - 1)))
          expect(() => readList(cut)).toThrow(RangeError)
        },
      ),
    )
    expect(() => readList(Buffer.from('{"items": []}'))).toThrow(RangeError)
  })

  it('has those entries of a map that are asked for', () => {
    const pair = (key: string, value: string): Wire => [11, message([1, key], [2, value])]
    const pairs = [pair('a', '1'), pair('ab', '2'), pair('b', '3'), pair('äb', '4'), pair('c', '')]
    const labels = { name: 'labels', type: 'map', keys: ['ab', 'c', 'd'] } as const
    const item = { 1: { name: 'metadata', type: { 11: labels } } } as const
    const object = enveloped(message([1, message(...pairs)]))
    expect(decodeObject(object, item)).toEqual({ metadata: { labels: { ab: '2', c: '' } } })
  })

  it('tells texts apart that share a place among the known ones', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (texts) => {
        for (const name of [...texts, ...texts]) {
          const object = enveloped(message([1, message([1, name])]))
          expect(decodeObject(object, METADATA)).toEqual({ metadata: { name } })
        }
      }),
    )
  })

  it('is refused where it is none, and wherever it is cut off inside of a field', () => {
    const meta = objectMeta({ name: 'a', resourceVersion: '1', labels: {}, generation: 1 })
    const object = enveloped(message([1, meta]))
    const content = object.length - message([2, message([1, meta])]).length
    for (let length = 0; length < object.length; length++) {
      const read = () => decodeObject(object.subarray(0, length), METADATA)
      if (length === 4 || length === content) expect(read()).toEqual({})
      else expect(read).toThrow(RangeError)
    }
    expect(() => decodeObject(Buffer.from('{"kind":"Status"}'), METADATA)).toThrow(RangeError)
  })
})

describe('a watch in protobuf', () => {
  const event = (type: string, content: Buffer) =>
    message([1, type], [2, message([1, enveloped(content)])])
  const framed = (frame: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(frame.length)
    return Buffer.concat([length, frame])
  }

  it('REQ-K1: brings each event once, however the stream is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(metas, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat({ max: 200 })),
        (objects, cuts) => {
          const stream = Buffer.concat(
            objects.map((meta) => framed(event('ADDED', message([1, objectMeta(meta)])))),
          )
          const frames = new Frames()
          const seen: unknown[] = []
          let at = 0
          for (const cut of [...cuts, stream.length]) {
            for (const frame of frames.take(stream.subarray(at, at + cut)))
              seen.push(decodeWatchEvent(frame, METADATA))
            at += cut
          }
          expect(plain(seen)).toEqual(
            objects.map((meta) => ({ type: 'ADDED', object: { metadata: plain(meta) } })),
          )
        },
      ),
    )
  })

  it('leaves out what is known, by its version', () => {
    const meta = { name: 'a', resourceVersion: '7', labels: { a: 'b' }, generation: 1 }
    const frame = event('MODIFIED', message([1, objectMeta(meta)]))
    expect(decodeWatchEvent(frame, METADATA, (version) => version === '7')).toBeUndefined()
    expect(decodeWatchEvent(frame, METADATA, (version) => version === '8')).toBeDefined()
  })

  it('says why it ended', () => {
    const status = message([2, 'Failure'], [3, 'too old'], [4, 'Expired'], [6, 410])
    expect(decodeWatchEvent(event('ERROR', status), METADATA)).toEqual({
      type: 'ERROR',
      object: { message: 'too old', reason: 'Expired', code: 410 },
    })
    expect(decodeStatus(enveloped(status))).toMatchObject({ message: 'too old' })
  })
})
