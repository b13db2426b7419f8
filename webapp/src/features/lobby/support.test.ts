import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { lacking } from './support.ts'

const folders = ['../..', '../../../../protocol/src'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)
/** What pages run: none of the tests, and nothing that runs beside them. */
const codeOfPages = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !/\.test\.ts$|^testing\//.test(path))
    .map((path) => [path, readFileSync(join(folder, path), 'utf8')] as const),
)

/** What came later than one of the browsers that are said to be supported, and no page can do without asking. */
const later = [
  /\b(Map|Object)\.groupBy\(/,
  /\bPromise\.(withResolvers|try)\(/,
  /\bURL\.(canParse|parse)\(/,
  /\bArray\.fromAsync\(/,
  /\bIterator\.(from|concat)\(/,
  /\.(isSubsetOf|isSupersetOf|isDisjointFrom|symmetricDifference)\(/,
  /\.(keys|values|entries)\(\)\s*\.(map|filter|some|every|find|reduce|toArray|take|drop|flatMap)\(/,
  /\bIntl\.(Segmenter|DurationFormat)\(/,
  /\bRegExp\.escape\(|\bError\.isError\(|\bMath\.sumPrecise\(/,
  /\b(requestIdleCallback|structuredClone\(.*transfer)\(/,
  /\.(toBase64|toHex|checkVisibility|moveBefore)\(|\b(fromBase64|fromHex|setHTML)\(/,
  /\b(await )?using [a-z]/,
]

const complete = {
  RTCPeerConnection: class {},
  RTCRtpTransceiver: class {},
  RTCRtpSender: class {
    setParameters() {}
  },
  MediaStream: class {},
  WebSocket: class {},
}

describe('browser support', () => {
  it('REQ-W1: a browser that has all of it holds calls, and one that lacks anything is told what', () => {
    expect(lacking(complete)).toEqual([])
    fc.assert(
      fc.property(fc.subarray(Object.keys(complete), { minLength: 1 }), (without) => {
        const rest = Object.entries(complete).filter(([name]) => !without.includes(name))
        expect(lacking(Object.fromEntries(rest)).sort()).toEqual([...without].sort())
      }),
    )
    expect(lacking({ ...complete, RTCRtpSender: class {} })).toEqual(['RTCRtpSender.setParameters'])
  })

  it('REQ-W1: no page takes what browsers do not have that are said to hold calls', () => {
    expect(codeOfPages.length).toBeGreaterThan(200)
    const taken = codeOfPages.flatMap(([path, source]) =>
      source
        .split('\n')
        .filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line))
        .filter((line) => later.some((one) => one.test(line)))
        .map((line) => `${path}: ${line.trim()}`),
    )
    expect(taken).toEqual([])
  })
})
